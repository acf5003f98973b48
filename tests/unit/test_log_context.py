"""Ids that are bound are on every line of what is done meanwhile, and on no other."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from tradingviz.core.logging import JsonFormatter
from tradingviz.core.logging.context import bind, bound

logger = logging.getLogger("tests.context")


class Lines(logging.Handler):
    """Keeps the lines as they are formatted."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.found: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.found.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """The lines of this module's logger."""
    handler = Lines()
    logger.addHandler(handler)
    yield handler.found
    logger.removeHandler(handler)


def test_inner_ids_come_on_top_of_outer_ones_and_go_again(lines: list[dict[str, object]]) -> None:
    with bind(request_id="r"):
        with bind(user_id=7):
            logger.warning("both")
        logger.warning("one")
    logger.warning("none")
    kept = [{name: line[name] for name in ("request_id", "user_id") if name in line} for line in lines]
    assert kept == [{"request_id": "r", "user_id": 7}, {"request_id": "r"}, {}]


def test_an_error_within_takes_the_ids_along() -> None:
    with pytest.raises(ValueError, match="inside"), bind(request_id="r"):
        raise ValueError("inside")
    assert bound() == {}


async def test_ids_follow_into_the_threads_of_views(lines: list[dict[str, object]]) -> None:
    with bind(request_id="r"):
        await sync_to_async(logger.warning, thread_sensitive=True)("sensitive")
        await sync_to_async(logger.warning, thread_sensitive=False)("another")
        await sync_to_async(async_to_sync(_say))()
    assert [line.get("request_id") for line in lines] == ["r", "r", "r"]


async def test_what_a_thread_binds_stays_in_its_block() -> None:
    def view() -> None:
        with bind(user_id=7):
            pass

    with bind(request_id="r"):
        await sync_to_async(view)()
        assert bound() == {"request_id": "r"}


async def test_requests_side_by_side_keep_their_ids_apart() -> None:
    async def request(number: int) -> list[object]:
        with bind(request_id=number):
            seen: list[object] = []
            for _ in range(5):
                await asyncio.sleep(0)
                seen.append(await sync_to_async(lambda: bound()["request_id"], thread_sensitive=False)())
            return seen

    assert await asyncio.gather(*map(request, range(20))) == [[number] * 5 for number in range(20)]


async def _say() -> None:
    logger.warning("in a loop of the thread's own")
