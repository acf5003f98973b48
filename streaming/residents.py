"""Who is inside, one register per event loop: whoever may not stay any more is closed within seconds."""

import asyncio
import logging
from weakref import WeakKeyDictionary

from streaming.authentication import Gatekeeper, Principal, Unavailable
from streaming.outbox import Outbox
from streaming.protocol import Close

logger = logging.getLogger(__name__)

REVIEW_SECONDS = 2.0


class Residents:
    """The principals of open sockets, reviewed all together. Not thread-safe."""

    def __init__(self, judge: Gatekeeper) -> None:
        self._judge = judge
        self._inside: dict[Outbox, Principal] = {}
        self._task: asyncio.Task[None] | None = None

    def enter(self, outbox: Outbox, principal: Principal) -> None:
        """Review a socket from now on, under this principal."""
        self._inside[outbox] = principal
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._review(), name="residents")

    def leave(self, outbox: Outbox) -> None:
        """Forget a socket."""
        self._inside.pop(outbox, None)

    async def _review(self) -> None:
        """Review for as long as anybody is inside; where nobody can be asked, all stay."""
        while self._inside:
            await asyncio.sleep(REVIEW_SECONDS)
            try:
                leaving = set(await self._judge.review(frozenset(self._inside.values())))
            except Unavailable as error:
                logger.warning("open sockets could not be reviewed: %s", error)
                continue
            except Exception:
                logger.exception("open sockets could not be reviewed")
                continue
            for outbox, principal in self._inside.items():
                if principal in leaving:
                    outbox.close(Close.UNAUTHENTICATED)


_registers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Gatekeeper, Residents]] = WeakKeyDictionary()


def current(judge: Gatekeeper) -> Residents:
    """Return the running event loop's register of those a gatekeeper let in."""
    registers = _registers.setdefault(asyncio.get_running_loop(), {})
    return registers.setdefault(judge, Residents(judge))
