"""Ids of what is being done, put on every line that is logged meanwhile: request_id, user_id, socket_id, task_id.

They live in a context variable: asyncio hands it to the tasks a coroutine starts, asgiref to the threads it hops to.
"""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Self

Id = str | int | None
Ids = Mapping[str, Id]

_ids: ContextVar[Ids] = ContextVar("log_ids", default=MappingProxyType({}))


class bind:  # noqa: N801 - reads as a verb: `with bind(request_id=...):`
    """Put ids on every line of this context, on top of those already bound, until the block ends."""

    __slots__ = ("_new", "_token")

    def __init__(self, **ids: Id) -> None:
        self._new = ids
        self._token: Token[Ids] | None = None

    def __enter__(self) -> Self:
        self._token = _ids.set({**_ids.get(), **self._new})
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _ids.reset(self._token)
            self._token = None


def bound() -> Ids:
    """Return the ids of this context."""
    return _ids.get()
