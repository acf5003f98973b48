"""JSON at one place: numbers that are not numbers leave as null, numpy scalars as Python ones."""

import math
from typing import Any

import msgspec
import numpy as np

_encoder = msgspec.json.Encoder(enc_hook=lambda value: plain(value))


def plain(value: Any) -> Any:
    """Return `value` with numpy scalars and arrays turned into Python ones and NaN or infinity into None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def encode(value: Any) -> bytes:
    """Return `value` as JSON bytes; msgspec writes NaN and infinity as null."""
    return _encoder.encode(value)
