"""The day of the simulator's market: from midnight (IST) to a minute before the next.

In its last minute nothing trades, and the indices are sent at what they closed at, as exchanges send them: by that
contracts are settled which expire at the close.
"""

from datetime import time

CLOSES = time(23, 59)
