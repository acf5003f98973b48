"""Leaving in order: who is told to stop tells its sockets first, and where to wait, before the server hangs up."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)

# For so long the frames have to reach their clients.
GRACE_SECONDS = 0.5

_armed: list[Callable[[], bool]] = []


def arm(drain: Callable[[], bool]) -> None:
    """Call `drain` when this process is asked to end (SIGTERM), and let the server do what it would a moment later.

    `drain` returns whether anybody has to be waited for. Once per process: servers put their own handlers in place
    before the first socket comes, so this is the time to step in front of them. Signals are heard in the main thread
    only: in another one nothing happens.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    _armed.append(drain)
    if len(_armed) > 1:
        return
    loop, previous = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(_leave, loop, previous)

    signal.signal(signal.SIGTERM, on_signal)


def _leave(loop: asyncio.AbstractEventLoop, previous: Any) -> None:
    waits = [drain() for drain in _armed]
    logger.info("leaving in order")
    loop.call_later(GRACE_SECONDS if any(waits) else 0.0, _go_on, previous)


def _go_on(previous: Any) -> None:
    """Do what would have been done without us."""
    if callable(previous):
        previous(signal.SIGTERM, None)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
