"""Prometheus metrics of the sockets. Labels come from closed sets only."""

from prometheus_client import Counter, Gauge

from streaming.protocol import Close

SOCKETS_OPEN = Gauge("sockets_open", "WebSockets open now, of all living processes", multiprocess_mode="livesum")
CLOSES = Counter("socket_closes_total", "WebSockets closed, by close code", ["code"])
FRAMES = Counter("frames_sent_total", "Frames handed to sockets, by type", ["type"])

OTHER = "other"
KINDS = ("ack", "error", "snapshot", "delta", "heartbeat", "stale", "recovered", "token_expiring", "draining", OTHER)
# 1000: in order, 1001: the peer or we go away, 1005: without a word, 1006: the connection broke, 1011: a bug of ours.
CODES = (1000, 1001, 1005, 1006, 1009, 1011, *(int(code) for code in Close))

_frames = {kind: FRAMES.labels(kind) for kind in KINDS}
_closes = {code: CLOSES.labels(str(code)) for code in CODES}
_other_close = CLOSES.labels(OTHER)


def opened() -> None:
    """Count a socket that was accepted."""
    SOCKETS_OPEN.inc()


def closed(code: int | None) -> None:
    """Count the end of a socket that was accepted, once; None where there is no close code."""
    SOCKETS_OPEN.dec()
    _closes.get(1005 if code is None else code, _other_close).inc()


def sent(kind: str, n: int = 1) -> None:
    """Count frames of a type; one that is not in KINDS is `other`."""
    _frames.get(kind, _frames[OTHER]).inc(n)
