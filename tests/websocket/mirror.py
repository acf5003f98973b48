"""A client's copy of its topics: accepts only what the protocol promises, so every frame is a test."""

import json
from collections.abc import Mapping
from typing import Any

from streaming.domain.sequencing import Document, apply
from tests.websocket import by_the_book


class Hole(AssertionError):
    """A delta that does not continue what the client has."""


class Mirror:
    """Documents, positions and answers as received."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.positions: dict[str, tuple[int, int]] = {}
        self.frames: list[dict[str, Any]] = []

    def take(self, message: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
        """Take one message as text, or as the ASGI message that carries it; return the frame."""
        raw = message.get("text") or message["bytes"] if isinstance(message, Mapping) else message
        frame: dict[str, Any] = json.loads(raw) if isinstance(raw, str) else by_the_book.decode(raw)
        assert frame["v"] == 1
        self.frames.append(frame)
        if frame["type"] in {"snapshot", "delta"}:
            self._follow(frame)
        return frame

    def kinds(self, topic: str) -> list[str]:
        """Return the types of a topic's data frames in order of arrival."""
        wanted = {"snapshot", "delta"}
        return [f["type"] for f in self.frames if f["type"] in wanted and f["topic"] == topic]

    def _follow(self, frame: dict[str, Any]) -> None:
        topic, position = frame["topic"], (frame["epoch"], frame["seq"])
        held = self.positions.get(topic)
        if frame["type"] == "snapshot":
            if held is not None and position < held:
                raise Hole(f"{topic}: a snapshot of {position} after {held}")
            self.documents[topic] = frame["data"]
        else:
            if held is None or held != (frame["epoch"], frame["prev"]) or frame["seq"] <= frame["prev"]:
                raise Hole(f"{topic}: a delta to {position} after {held}")
            self.documents[topic] = apply(self.documents[topic], frame["data"])
        self.positions[topic] = position
