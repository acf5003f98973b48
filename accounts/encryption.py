"""What is kept secret at rest: credentials of brokers, secrets of postbacks.

Fernet (AES-128-CBC and HMAC-SHA256), its key derived from CREDENTIALS_KEY by HKDF. Keys of before still open what they
closed (CREDENTIALS_PREVIOUS_KEYS) until `manage.py rotate_credentials` has closed it anew.
"""

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_INFO = b"tradingviz: credentials at rest"


class Unreadable(ValueError):
    """None of the keys opens it."""


def encrypt(text: str) -> str:
    """Return a text as it is stored."""
    return _box().encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Return the text. Raises Unreadable."""
    try:
        return _box().decrypt(stored).decode()
    except InvalidToken as error:
        raise Unreadable("none of the keys opens what is stored: CREDENTIALS_KEY, CREDENTIALS_PREVIOUS_KEYS") from error


def renewed(stored: str) -> str:
    """Return the same, closed with the newest key. Raises Unreadable."""
    return encrypt(decrypt(stored))


def _box() -> MultiFernet:
    return _box_of((settings.CREDENTIALS_KEY, *settings.CREDENTIALS_PREVIOUS_KEYS))


@lru_cache(maxsize=8)
def _box_of(secrets: tuple[str, ...]) -> MultiFernet:
    """Return what closes with the first of some secrets, and opens with any."""
    return MultiFernet([Fernet(_key(secret)) for secret in secrets])


def _key(secret: str) -> bytes:
    return urlsafe_b64encode(HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(secret.encode()))
