"""Why a number is missing."""

from enum import IntEnum


class Reason(IntEnum):
    """Why there is no implied volatility; a uint8 in arrays and columns. The order is stored: only append."""

    NONE = 0
    NO_PRICE = 1
    BELOW_INTRINSIC = 2
    ABOVE_MAXIMUM = 3
    NO_TIME_VALUE = 4
    EXPIRED = 5
    STALE = 6
    NO_SPOT = 7
