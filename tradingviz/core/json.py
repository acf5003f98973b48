"""JSON at one place: numbers that are not numbers leave as null, numpy scalars as Python ones."""

import math
from typing import Any

import msgspec
import numpy as np


def plain(value: Any) -> Any:
    """Return `value` with numpy scalars and arrays turned into Python ones and NaN or infinity into None."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _numpy_only(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_numpy_only)


def encode(value: Any) -> bytes:
    """Return `value` as JSON bytes; msgspec writes NaN and infinity as null. Raises TypeError for what has no form."""
    return _encoder.encode(value)
