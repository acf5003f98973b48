"""A token provider that signs in with a user name and a password, over REST."""

import asyncio
import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tradingviz_client.errors import Unauthenticated, Unavailable
from tradingviz_client.urls import rest_url

TIMEOUT_SECONDS = 10.0


class Login:
    """Returns a fresh access token whenever it is called: by signing in, later by `/auth/token/refresh`.

    Raises Unauthenticated for a wrong password, Unavailable where the server wants to be asked later, OSError where it
    cannot be reached.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._who = {"username": username, "password": password}
        self._refresh: str | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> str:
        """Return a token. The old refresh token is void as soon as it was sent, whatever comes back."""
        async with self._lock:
            refresh, self._refresh = self._refresh, None
            pair = await self._renewed(refresh) if refresh else None
            if pair is None:
                pair = await asyncio.to_thread(_post, rest_url(self._url, "/auth/token"), self._who)
            self._refresh = str(pair["refresh"])
            return str(pair["access"])

    async def _renewed(self, refresh: str) -> dict[str, Any] | None:
        """Return a new pair; None where the refresh token is no good any more."""
        try:
            return await asyncio.to_thread(_post, rest_url(self._url, "/auth/token/refresh"), {"refresh": refresh})
        except Unauthenticated:
            return None


def _post(url: str, body: dict[str, str]) -> dict[str, Any]:
    """Return the answer to a JSON body."""
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except HTTPError as error:
        raise _meaning(error) from error
    except (ValueError, HTTPException) as error:
        raise Unavailable(f"{url} answered something else than JSON, or not all of it") from error


def _meaning(error: HTTPError) -> Exception:
    if error.code in (400, 401):
        return Unauthenticated(f"{error.url} refused the credentials (HTTP {error.code})")
    wait = error.headers.get("Retry-After", "")
    return Unavailable(f"{error.url} answered HTTP {error.code}", float(wait) if wait.isdigit() else 0.0)
