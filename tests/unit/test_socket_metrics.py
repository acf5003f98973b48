"""What is counted of sockets, with labels from closed sets."""

import pytest
from prometheus_client import REGISTRY

from streaming import metrics
from streaming.protocol import Close


def value(name: str, **labels: str) -> float:
    """Return a sample's value."""
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None
    return found


def test_open_sockets_go_up_and_down() -> None:
    before = value("sockets_open")
    metrics.opened()
    metrics.opened()
    assert value("sockets_open") == before + 2
    metrics.closed(1000)
    metrics.closed(None)
    assert value("sockets_open") == before


@pytest.mark.parametrize(("code", "label"), [(Close.TOO_SLOW, "4408"), (4503, "4503"), (None, "1005"), (4999, "other")])
def test_ends_are_counted_by_a_known_code(code: int | None, label: str) -> None:
    before = value("socket_closes_total", code=label)
    metrics.opened()
    metrics.closed(code)
    assert value("socket_closes_total", code=label) == before + 1


@pytest.mark.parametrize(("kind", "label"), [("delta", "delta"), ("heartbeat", "heartbeat"), ("invented", "other")])
def test_frames_are_counted_by_a_known_type(kind: str, label: str) -> None:
    before = value("frames_sent_total", type=label)
    metrics.sent(kind)
    metrics.sent(kind, 200)
    assert value("frames_sent_total", type=label) == before + 201
