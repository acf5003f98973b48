"""The description of the API, made once a process: it is of the code, and the same for everybody."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator


class Described(SchemaGenerator):
    """Answers with what was made for the first who asked."""

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        """Return the document. It is public: who asks does not matter, and where does not either."""
        return described()


@cache
def described() -> Any:
    """Return the document as it is made anew."""
    return SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # as the library has it
