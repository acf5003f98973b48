"""What several commands do alike: read dates, bring ingests along."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date

from fo_analytics.services.replay import ingest_is_alive, own_ingest


def parse_date(text: str) -> date:
    """Return the date of YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date like 2026-02-03") from None


@contextmanager
def missing_ingests(shards: Iterable[int], *, say: Callable[[str], object]) -> Iterator[None]:
    """Run an ingest for each shard that has none, for as long as the block lasts."""
    missing = [shard for shard in sorted(shards) if not ingest_is_alive(shard=shard)]
    with ExitStack() as stack:
        for shard in missing:
            say(f"no ingest of shard {shard} is running: this command runs one until all is committed")
            stack.enter_context(own_ingest(shard=shard))
        yield
