"""Sheets over the API: every cell with its exact value and the text that pages and papers show."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class CellSerializer(serializers.Serializer[Any]):
    value = serializers.CharField(help_text="Exactly, as text; empty where there is none.")
    text = serializers.CharField(help_text="As shown on page and paper.")
    reason = serializers.CharField(help_text="Why there is no value; else empty.")


class ColumnSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField(help_text="number or words")


class RowSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    cells = CellSerializer(many=True, help_text="One for each column, in their order.")
    kind = serializers.CharField(help_text="line, or total of the lines above")
    flags = serializers.ListField(child=serializers.CharField())


class SectionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    note = serializers.CharField()
    label = serializers.CharField(help_text="Heads the column of row labels.")  # type: ignore[assignment]
    columns = ColumnSerializer(many=True)
    rows = RowSerializer(many=True)
    empty = serializers.CharField(help_text="What it means that there are no rows.")


class SheetSerializer(serializers.Serializer[Any]):
    """A report as page, CSV and PDF show it too."""

    key = serializers.CharField()
    title = serializers.CharField()
    subtitle = serializers.CharField()
    facts = serializers.DictField(child=serializers.CharField())
    sections = SectionSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
