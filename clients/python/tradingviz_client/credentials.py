"""Tokens: one for ever, or ever new ones of a provider."""

import inspect
from collections.abc import Awaitable, Callable

from tradingviz_client.errors import Unauthenticated

# Returns a fresh access token whenever it is called, at once or later.
Provider = Callable[[], str | Awaitable[str]]


class Credentials:
    """The token in use. A provider is asked only where there is none, or the one there is has been refused."""

    def __init__(self, source: str | Provider) -> None:
        self._provider = None if isinstance(source, str) else source
        self._held = source if isinstance(source, str) else None
        self._proven = False

    @property
    def renewable(self) -> bool:
        """Whether there can be newer ones."""
        return self._provider is not None

    async def current(self) -> str:
        """Return a token; raises whatever the provider raises."""
        return self._held if self._held is not None else await self.renew()

    async def renew(self) -> str:
        """Return a new token and use it from now on."""
        if self._provider is None:
            raise Unauthenticated("these credentials cannot be renewed")
        found = self._provider()
        self._held = await found if inspect.isawaitable(found) else found
        self._proven = False
        return self._held

    def accept(self) -> None:
        """The server took the token."""
        self._proven = True

    def refuse(self, why: str) -> None:
        """The server did not take the token, or takes it no more; raise Unauthenticated where a newer one is no use."""
        if self._provider is None or not self._proven:
            raise Unauthenticated(why)
        self._held = None
