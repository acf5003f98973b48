"""What benchmarks/fanout.py publishes: chains that move, and the same frames as texts for the peers."""

import json
import statistics
from collections.abc import Callable
from datetime import date, timedelta
from itertools import islice
from typing import Any, get_args

from benchmarks.market import listed
from benchmarks.rest import access_token

SYMBOL, LEVELS = "NIFTY", 20
SHARE_OF_BYTES = 0.15

Send = Callable[[int], int]  # publishes the n-th frame, returns its seq


class Chains:
    """Two expiries that move, one for each server of ours, and the texts the peers send."""

    def __init__(self, *, frames: int) -> None:
        """List the market, and compute `frames` seconds of it."""
        from benchmarks.moving_chain import moving_chain
        from fo_analytics.domain.calendar import from_ms, ist_date
        from fo_analytics.selectors.sessions import calendar_of
        from fo_analytics.services.sessions import ensure_simulated_sessions
        from streaming.publisher import Publisher
        from tradingviz.core.clock import now_ms
        from tradingviz.core.redis import sync_client

        self.now_ms = now_ms()
        today = ist_date(from_ms(self.now_ms))
        ensure_simulated_sessions(first=today, last=today + timedelta(days=30))
        listed(today, 666, (SYMBOL,))
        self.expiries = [today + timedelta(days=days) for days in (3, 10)]
        calendar = calendar_of(exchange="NSE")
        ends = [int(calendar.expires_at(expiry).timestamp() * 1000) for expiry in self.expiries]
        self.views = {
            expiry: list(islice(moving_chain(expiry, self.now_ms, end), frames))
            for expiry, end in zip(self.expiries, ends, strict=True)
        }
        self.token = access_token()
        self.redis = sync_client()
        self.publisher = Publisher(self.redis)
        self.texts = self._texts(self.views[self.expiries[0]])
        self._publish_underlying(today)

    def _publish_underlying(self, today: date) -> None:
        """Say as of when the market is known."""
        from fo_analytics.topics import underlying_topic

        document = {"underlying": SYMBOL, "session": today.isoformat(), "ts_event": self.now_ms}
        self.publisher.publish(underlying_topic(SYMBOL), document, ts_event=self.now_ms, convention="exact")

    def _texts(self, views: list[Any]) -> list[str]:
        """Return a snapshot and the deltas after it as the texts that a socket of ours gets."""
        from fo_analytics.domain.document import within_levels
        from fo_analytics.topics import chain_topic
        from streaming import protocol
        from streaming.domain.sequencing import diff

        head: protocol.Head = {
            "channel": "chain", "topic": chain_topic(SYMBOL, self.expiries[0]), "epoch": self.now_ms, "seq": 0,
            "ts_event": self.now_ms, "ts_sent": self.now_ms, "convention": "exact",
        }  # fmt: skip
        documents = [within_levels(view.document(), LEVELS) for view in views]
        frames: list[protocol.Frame] = [
            protocol.Delta(prev=seq, data=diff(*documents[seq : seq + 2]), **(head | {"seq": seq + 1}))
            for seq in range(len(documents) - 1)
        ]
        snapshots = [protocol.Snapshot(data=document, **head) for document in documents]
        self.snapshot_bytes = [len(protocol.encode(frame)) for frame in snapshots]
        self.delta_bytes = {
            wire: [len(protocol.encode_as(wire, frame)) for frame in frames] for wire in get_args(protocol.Format)
        }
        return [protocol.encode(snapshots[0]), *map(protocol.encode, frames)]

    def report_bytes(self) -> None:
        """Print what a delta weighs in each format, beside a whole document in JSON."""
        full = statistics.mean(self.snapshot_bytes)
        print(f"bytes of a frame, mean of {len(self.texts) - 1}: full JSON {full:,.0f}")
        for wire, sizes in self.delta_bytes.items():
            mean = statistics.mean(sizes)
            print(f"  {wire + ' delta':16}{mean:8,.0f}: {mean / full:.1%} of full")
        share = statistics.mean(self.delta_bytes["columns"]) / full
        print(f"  wanted: {SHARE_OF_BYTES:.0%}, columns {'pass' if share <= SHARE_OF_BYTES else 'MISS'}")

    def ours(self, expiry: date) -> Send:
        """Return what publishes a chain as ingest does."""
        from fo_analytics.topics import chain_topic
        from streaming.publisher import Publication

        views, topic = self.views[expiry], chain_topic(SYMBOL, expiry)

        def send(number: int) -> int:
            at = self.now_ms + number * 1000
            return self.publisher.publish_many([Publication(topic, views[number], at, "exact")])[0]

        return send

    def peers(self, announce: Callable[[str], object]) -> Send:
        """Return what hands a peer the next text."""

        def send(number: int) -> int:
            announce(self.texts[number])
            return number

        return send

    def hello(self, name: str) -> dict[str, Any]:
        """Return how a socket comes to a server."""
        if not name.startswith("ours"):
            return {"path": "/stream", "say": None}
        expiry = self.expiries["uvicorn" in name].isoformat()
        request = {"op": "subscribe", "id": 1, "channel": "chain", "underlying": SYMBOL, "expiry": expiry}
        return {"path": f"/ws/fo/stream?token={self.token}", "say": json.dumps(request | {"levels": LEVELS})}
