"""How bytes become values and back at the API's edge: exact numbers in, compact JSON out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

import orjson
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

MAX_BODY_BYTES = 64 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = f"The body is larger than {MAX_BODY_BYTES} bytes. Nothing was done."


class CompactJSONRenderer(BaseRenderer):
    """JSON without spaces. Decimals become strings; dates are ISO 8601; bytes are taken as JSON already."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        if isinstance(data, bytes):
            return data
        return orjson.dumps(data, default=_written, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class ExactJSONParser(BaseParser):
    """One JSON object per body. Numbers with a point become Decimals exactly as written: a float never appears."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            value = json.loads(
                raw.decode("utf-8"),
                parse_float=Decimal,
                parse_constant=_constant_refused,
                object_pairs_hook=_object_without_duplicates,
            )
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        if not isinstance(value, dict):
            raise ParseError("The body must be one JSON object.")
        return value


def _written(value: Any) -> str:
    """A Decimal in full, without exponent and without zeros at the end; whatever else in its own words."""
    if not isinstance(value, Decimal):
        return str(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _constant_refused(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a field is given twice")
    return value
