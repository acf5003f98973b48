"""How the numeric functions of this package become machine code.

Numba's disk cache watches only the source file of the loop that is called, so every loop and nearly all it
calls are in kernels.py; after a change of another file here, touch that one.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

# A division by zero is an infinity, as in numpy; a * b + c may be one rounding.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}


def inner(function: F) -> F:
    """Compile a scalar function; it lives on inside the cached loops and needs no cache of its own."""
    return cast(F, numba.njit(**OPTIONS)(function))


def loop(function: F) -> F:
    """Compile a loop over arrays, once per machine; where nothing may be written, once per process."""
    try:
        return cast(F, numba.njit(cache=True, **OPTIONS)(function))
    except RuntimeError:
        return cast(F, numba.njit(**OPTIONS)(function))
