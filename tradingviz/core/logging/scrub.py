"""Secrets taken out of texts: tokens, keys, tickets, passwords, headers that carry them.

Recognised are: JSON web tokens, API keys (`tvk_...`), passwords in URLs, and values whose name says what they are, in
URLs, form and JSON bodies, headers, reprs of dictionaries and of ASGI's header pairs. Every pattern is linear in the
text's length: nobody can buy our time with a crafted path.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

MARK = "[scrubbed]"

_NAMES = r"password\d?|passwd|pwd|token|ticket|refresh|access|secret(?:_key)?|api[_-]?key|sessionid|signature"
_HEADERS = r"authorization|cookie"
# A quote as it stands in a text, in a repr, or escaped once more inside of another JSON text.
_QUOTE = r"""b?\\*["']"""

_JWT = re.compile(r"ey[AIJ][\w-]{6,}+(?:\.[\w-]*+){0,4}")
_API_KEY = re.compile(r"tvk_[\w.-]{4,}")
# The part of a URL up to the last @ before its path: urllib and redis-py read it like this, too.
_URL = re.compile(r"""(://[^\s/?#:@"'<>]{0,128}:)[^\s/?#]{1,512}@""")
_BEARER = re.compile(r"(?i)(bearer[\s.]{1,4})[\w.~+/=%-]{8,}")
# name: "value", 'name': b'value', (b'name', b'value'), \"name\": \"value\". A closing quote need not come.
_QUOTED = re.compile(
    rf"""(?is)((?:{_NAMES}|{_HEADERS})(?:\\*["'])?\s{{0,8}}[=:,]\s{{0,8}}{_QUOTE})"""
    r"""(?:(?<=\\["'])(?:(?!\\+["']).)++|(?<=")(?:[^"\\]|\\.)++|(?<=')(?:[^'\\]|\\.)++)"""
)
_BARE = re.compile(rf"""(?i)((?:{_NAMES})\s?(?:=|%3D)\s?|(?:password|passwd)\s?:\s?)(?!{_QUOTE})[^\s&"]+""")
_HEADER_LINE = re.compile(rf"""(?i)((?:{_HEADERS})\s{{0,8}}[:=]\s{{0,8}})(?!{_QUOTE})[^\r\n"']+""")

# Where none of these occurs, nothing that has a name can match: most lines are done after this.
_HINTS = (
    *("token", "ticket", "pass", "pwd", "refresh", "access", "secret", "api", "sessionid", "signature"),
    *("authorization", "cookie"),
)
_SENSITIVE = re.compile(rf"(?i)(?:{_NAMES}|{_HEADERS})['\"]?$")


def scrub(text: str) -> str:
    """Return a text with its secrets replaced by `[scrubbed]`."""
    if "ey" in text:
        text = _JWT.sub(_mark_dotted, text)
    if "tvk_" in text:
        text = _API_KEY.sub(MARK, text)
    if "://" in text:
        text = _URL.sub(rf"\1{MARK}@", text)
    lower = text.lower()
    if "bearer" in lower:
        text = _BEARER.sub(rf"\1{MARK}", text)
    if any(hint in lower for hint in _HINTS):
        text = _HEADER_LINE.sub(rf"\1{MARK}", text)
        text = _QUOTED.sub(rf"\1{MARK}", text)
        text = _BARE.sub(rf"\1{MARK}", text)
    return text


def _mark_dotted(match: re.Match[str]) -> str:
    """A run without a dot is a word: it was consumed only so that the next search starts behind it."""
    return MARK if "." in match[0] else match[0]


def scrubbed(name: str, value: object) -> object:
    """Return a value of a log line, fit for JSON and without secrets, at any depth; `name` is what it is called."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):  # a token that is a number is an instrument's
        return MARK if "pass" in name.lower() else int(value)
    if _is_sensitive(name):
        return MARK
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {scrub(str(key)): scrubbed(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        named_pair = len(value) == 2 and isinstance(value[0], (str, bytes))
        return [scrubbed(str(value[0]) if named_pair and at else "", item) for at, item in enumerate(value)]
    return scrub(str(value))


@lru_cache(maxsize=1_024)
def _is_sensitive(name: str) -> bool:
    return _SENSITIVE.search(name) is not None
