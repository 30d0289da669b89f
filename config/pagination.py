"""One pagination for every list: an opaque cursor that stays right while rows are added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView


class KeysetPagination(CursorPagination):
    """`{"results": [...], "next": url or null, "previous": url or null}`; 50 rows, at most 200 by `page_size`.

    The order is the view's `cursor_ordering`, which must end in a unique column.
    """

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    page_size_query_description = "Rows per page, 1 to 200."
    cursor_query_description = "From `next` or `previous`; opaque."

    def get_page_size(self, request: Request) -> int:
        """Raises ValidationError outside 1 to 200: a page cut short in silence looks like the end."""
        asked = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked) <= self.max_page_size:
            message = f"Send a whole number from 1 to {self.max_page_size}."
            raise ValidationError({self.page_size_query_param: [message]}, code="invalid_page_size")
        return int(asked)

    def decode_cursor(self, request: Request) -> Any:
        """Raises ValidationError for a cursor that is not one of ours."""
        try:
            return super().decode_cursor(request)
        except NotFound as error:
            message = "Take the cursor from `next` or `previous` as it is."
            raise ValidationError({self.cursor_query_param: [message]}, code="invalid_cursor") from error

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The page as JSON Schema of OpenAPI 3.1, where null is a type."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> tuple[str, ...]:
        return tuple(view.cursor_ordering)  # type: ignore[attr-defined]
