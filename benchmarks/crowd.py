"""A crowd of WebSockets in a process of its own: opens them, notes when each frame came, checks that none is missing.

Commands come as JSON lines on stdin, answers leave as JSON lines on stdout:

* `{"open": n, "port": …, "path": …, "say": text or null}` opens sockets one after another, each says its first
  message; answered by the number that is open.
* `{"collect": {"last": seq, "sockets": n, "seconds": s}}` listens until every socket has a frame of that `seq` (or the
  time is over); answered by `{"received": {seq: [seconds]}, "broken": …, "snapshots": …, "bytes": …, "lost": …}` since
  the last time. Seconds are of CLOCK_MONOTONIC, which all processes share, read when a socket's last byte was taken.

One thread and epoll, no event loop: it takes far less of a processor than any server here. A frame that equals the
last one byte for byte is parsed once.
"""

import json
import select
import socket
import sys
import time
from collections import defaultdict
from typing import Any

RECEIVE = 1 << 17
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a message of a client; a mask of zeros leaves it as it is."""
    size = len(payload)
    head = bytes([0x80 | opcode, 0x80 | size]) if size < 126 else bytes([0x80 | opcode, 0xFE]) + size.to_bytes(2)
    return head + bytes(4) + payload


def measure_of(data: bytes) -> tuple[int, int]:
    """Return where the first message's payload begins and ends; (0, 0) where its head is not whole."""
    if len(data) < 2:
        return 0, 0
    begin, size = 2, data[1] & 0x7F
    if size >= 126:
        begin = 4 if size == 126 else 10
        size = int.from_bytes(data[2:begin])
    return (begin, begin + size) if len(data) >= begin else (0, 0)


class Member:
    """One socket, and the chain of `seq` it was sent."""

    def __init__(self, connection: socket.socket) -> None:
        """`connection` has sent its handshake."""
        self.connection = connection
        self.position: tuple[int, int] | None = None
        self.unread = b""


class Crowd:
    """All sockets."""

    def __init__(self) -> None:
        """Nobody is here yet."""
        self.members: dict[int, Member] = {}
        self.poll = select.epoll()
        self.buffer = memoryview(bytearray(RECEIVE))
        self.last: tuple[bytes, dict[str, Any]] = (b"", {})  # the last message of one frame, whole, and what it says
        self.reset()

    def reset(self) -> None:
        """Count from nothing."""
        self.received: dict[int, list[float]] = defaultdict(list)
        self.broken = self.snapshots = self.bytes = self.lost = 0

    def open(self, number: int, port: int, path: str, say: str | None) -> int:
        """Open sockets; return how many there are."""
        for _ in range(number):
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            connection.sendall(HANDSHAKE.format(path=path, port=port).encode())
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(4096)
            head, _, rest = answer.partition(b"\r\n\r\n")
            if b" 101 " not in head:
                raise RuntimeError(head.decode())
            if say:
                connection.sendall(frame(TEXT, say.encode()))
            connection.setblocking(False)
            member = self.members[connection.fileno()] = Member(connection)
            self.poll.register(connection, select.EPOLLIN)
            if rest:
                self.take(member, rest)
            self.listen(0)
        return len(self.members)

    def collect(self, last: int, sockets: int, seconds: float) -> dict[str, Any]:
        """Listen, and return what came."""
        until = time.monotonic() + seconds
        while len(self.received[last]) < sockets and (left := until - time.monotonic()) > 0:
            self.listen(min(left, 0.1))
        found = {name: getattr(self, name) for name in ("received", "broken", "snapshots", "bytes", "lost")}
        self.reset()
        return found

    def listen(self, seconds: float) -> None:
        """Take what has come."""
        for number, _ in self.poll.poll(seconds):
            member = self.members[number]
            try:
                size = member.connection.recv_into(self.buffer)
            except ConnectionError:
                size = 0
            self.take(member, bytes(self.buffer[:size])) if size else self.lose(member)

    def lose(self, member: Member) -> None:
        """Forget a socket that the server closed."""
        self.poll.unregister(member.connection)
        del self.members[member.connection.fileno()]
        member.connection.close()
        self.lost += 1

    def take(self, member: Member, data: bytes) -> None:
        """Take bytes: mostly the very message that the socket before got."""
        now = time.monotonic()
        self.bytes += len(data)
        if not member.unread and data == self.last[0]:
            self.note(member, self.last[1], now)
            return
        data = member.unread + data
        begin, end = measure_of(data)
        while 0 < end <= len(data):
            self.message(member, data[:end], begin, now)
            data = data[end:]
            begin, end = measure_of(data)
        member.unread = data

    def message(self, member: Member, data: bytes, begin: int, now: float) -> None:
        """Take one whole message."""
        opcode = data[0] & 0x0F
        if opcode in (TEXT, BINARY):
            if data != self.last[0]:
                self.last = (data, json.loads(data[begin:]))
            self.note(member, self.last[1], now)
        elif opcode == PING:
            member.connection.send(frame(PONG, data[begin:]))

    def note(self, member: Member, message: dict[str, Any], now: float) -> None:
        """Count a message; a delta must continue what the socket has."""
        kind = message.get("type")
        if kind == "error":
            raise RuntimeError(str(message))
        if kind in ("delta", "snapshot"):
            self.snapshots += kind == "snapshot"
            self.broken += kind == "delta" and member.position != (message["epoch"], message["prev"])
            member.position = (message["epoch"], message["seq"])
            self.received[message["seq"]].append(now)


def main() -> None:
    """Carry out commands; while there is none, read what comes."""
    crowd = Crowd()
    commands = select.poll()
    commands.register(sys.stdin, select.POLLIN)
    while True:
        crowd.listen(0.02)
        if not commands.poll(0):
            continue
        line = sys.stdin.readline()
        if not line:
            return
        command = json.loads(line)
        answer: object = crowd.collect(**command["collect"]) if "collect" in command else crowd.open(**command["open"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
