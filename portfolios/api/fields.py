"""How amounts are read from and written to the API: exact decimals, as strings, never rounded."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from rest_framework import serializers

_PLAIN = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_CENT = Decimal("0.01")


def plain(value: Decimal) -> str:
    """`value` without exponent and without zeros at the end: 1.5, 0.00000001, 100."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def usd(value: Decimal) -> str:
    """`value` in full, with two decimals at least: 100.00, 99.987654."""
    text = plain(value)
    places = len(text.partition(".")[2])
    return text if places >= 2 else format(value.quantize(_CENT), "f")


class AmountField(serializers.DecimalField):
    """An amount as a decimal string such as "100.00". Size and sign are the service's to judge, so that page and API
    refuse the same things with the same words."""

    default_error_messages = {"invalid": 'Send a decimal string such as "100.00".'}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        text = str(data) if isinstance(data, str | Decimal) or type(data) is int else ""
        if not _PLAIN.fullmatch(text):
            self.fail("invalid")
        return Decimal(text)


class UsdField(serializers.DecimalField):
    """US dollars as a decimal string with two decimals at least."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return usd(value)


class ExactField(serializers.DecimalField):
    """A quantity or a weight as a decimal string, in full."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


class BodySerializer(serializers.Serializer[Any]):
    """The body of a write. A field that is not declared is refused: a typo must not move money."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"Unknown field. Known are: {known}."] for name in unknown}, code="unknown_field"
            )
        return attrs
