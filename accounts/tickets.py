"""Tickets: a browser opens a socket without its token in a URL. Good once, for thirty seconds."""

from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

import msgspec

from accounts.principal import Principal, Refused
from tradingviz.core.redis import loop_client, shared_client

SECONDS = 30
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Principal).decode


def _key(text: str) -> str:
    """Return where a ticket is kept: by its hash, so that who reads Redis holds no tickets."""
    return f"ticket:{sha256(text.encode()).hexdigest()}"


def issue(principal: Principal) -> str:
    """Return a new ticket of a principal. Raises redis.RedisError."""
    text = token_urlsafe(32)
    shared_client().set(_key(text), _encode(principal), ex=SECONDS)
    return text


async def redeem(text: str) -> Principal:
    """Return a ticket's principal and void the ticket; raise Refused where there is none, redis.RedisError."""
    held: Any = await loop_client().getdel(_key(text))
    if held is None:
        raise Refused("the ticket was used, has expired or never was")
    return _decode(held)
