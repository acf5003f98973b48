"""Long lists come in pages: a page names the next one by a cursor, so rows that are added meanwhile repeat none."""

from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor as Place
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from tradingviz.core.errors import InvalidRequest

LARGEST_PAGE = 200


class Cursor(CursorPagination):
    """`?cursor=&page_size=`; a view's own subclass names its `ordering`, the first of which should be nearly unique."""

    page_size = 50
    max_page_size = LARGEST_PAGE
    page_size_query_param = "page_size"
    page_size_query_description = f"rows of a page, 1 to {LARGEST_PAGE}"
    cursor_query_description = "of an earlier answer's `next` or `previous`"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Return a page. Raises InvalidRequest for a cursor that no answer gave."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, DataError) as error:  # the place it names is none of this list
            raise _unknown_cursor() from error

    def get_page_size(self, request: Request) -> int:
        """Return the page's size. Raises InvalidRequest for what is none."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not (asked.isascii() and asked.isdigit() and len(asked) < 5 and 1 <= int(asked) <= LARGEST_PAGE):
            raise InvalidRequest(f"a whole number from 1 to {LARGEST_PAGE} is needed", field="page_size")
        return int(asked)

    def decode_cursor(self, request: Request) -> Place | None:
        """Return where a page begins. Raises InvalidRequest."""
        asked = request.query_params.get(self.cursor_query_param)
        try:
            place = super().decode_cursor(request)
        except NotFound as error:
            raise _unknown_cursor() from error
        # Any short text is base64 of something: an empty place would be the first page again.
        if asked is not None and (place is None or _encoded(place) != asked):
            raise _unknown_cursor()
        return place

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the shape of a page, as OpenAPI 3.1 says that a value may be null."""
        described: dict[str, Any] = super().get_paginated_response_schema(schema)
        for name in ("next", "previous"):
            shape = described["properties"][name]
            if shape.pop("nullable", False):
                shape["type"] = [shape["type"], "null"]
        described["required"] = ["results", "next", "previous"]
        return described


def page(row: type[serializers.BaseSerializer[Any]]) -> dict[tuple[int, str], Any]:
    """Return the described answer of an operation that gives pages of rows; `cursor` and `page_size` follow from it.

    With its media type: of several answers the describer takes the one whose key is the least text.
    """
    return {(200, "application/json"): row(many=True)}


def _encoded(place: Place) -> str:
    tokens = {"o": str(place.offset)} if place.offset else {}
    tokens |= {"r": "1"} if place.reverse else {}
    tokens |= {} if place.position is None else {"p": str(place.position)}
    return b64encode(urlencode(tokens).encode("ascii")).decode("ascii")


def _unknown_cursor() -> InvalidRequest:
    return InvalidRequest("not a cursor of this list", field="cursor")
