"""`python -m tradingviz_client chain NIFTY NWeek+0`: a live table of a chain in the terminal."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tradingviz_client.client import Client
from tradingviz_client.errors import ClientError
from tradingviz_client.login import Login
from tradingviz_client.screen import Screen, screen_on
from tradingviz_client.subscription import Update, now_ms
from tradingviz_client.table import table

# How often ages are drawn anew where nothing else changes.
REDRAW_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Show what the command line asks for until Ctrl-C; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        asyncio.run(watch(options, settings()))
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ClientError, ValueError) as error:
        sys.stderr.write(f"tradingviz_client: {error}\n")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return what the command line may say."""
    top = argparse.ArgumentParser("tradingviz_client", description="Live market data in the terminal.")
    chain = top.add_subparsers(required=True).add_parser("chain", help="the chain of one expiry")
    chain.add_argument("underlying", help="NIFTY")
    chain.add_argument("expiry", nargs="?", help="label (NWeek+0) or date; the nearest")
    chain.add_argument("--url", default="http://127.0.0.1:8081", help="the server (%(default)s)")
    chain.add_argument("--user", help="user name ($DEMO_USER, then .run/embedded.env)")
    chain.add_argument("--levels", type=int, default=10, help="strikes on each side of the money (%(default)s)")
    chain.add_argument("--interval-ms", type=int, default=1000, help="at most one frame in so long (%(default)s)")
    chain.add_argument("--count", type=int, help="end after so many updates")
    return top


def settings() -> dict[str, str]:
    """Return the environment, and behind it what `make run` wrote for this folder."""
    file = Path(os.environ.get("TRADINGVIZ_STATE") or ".run") / "embedded.env"
    found: dict[str, str] = {}
    with suppress(OSError):
        lines = file.read_text(encoding="utf-8").splitlines()
        found = {name: value.strip("'\"") for name, mark, value in (line.partition("=") for line in lines) if mark}
    return found | os.environ


def credentials(user: str | None, values: Mapping[str, str]) -> tuple[str, str]:
    """Return user and password: the demo user's, $TRADINGVIZ_PASSWORD, or what is typed. Raise ValueError."""
    demo = values.get("DEMO_USER")
    name = user or demo
    if not name:
        raise ValueError("who are you? say --user, or set DEMO_USER and DEMO_PASSWORD")
    password = values.get("DEMO_PASSWORD") if name == demo else values.get("TRADINGVIZ_PASSWORD")
    if not password and sys.stdin.isatty():
        password = getpass.getpass(f"Password of {name}: ")
    if not password:
        raise ValueError(f"the password of {name} is missing: set TRADINGVIZ_PASSWORD")
    return name, password


async def watch(options: argparse.Namespace, values: Mapping[str, str]) -> None:
    """Show a chain until `--count` updates came."""
    login = Login(options.url, *credentials(options.user, values))
    async with Client(options.url, token=login) as client:
        view = View(client, screen_on(sys.stdout))
        with view.screen:
            redrawing = asyncio.create_task(view.keep_drawing())
            try:
                await view.follow(options)
            finally:
                redrawing.cancel()


class View:
    """What is on the screen: the newest update, or how the connection is."""

    def __init__(self, client: Client, screen: Screen) -> None:
        self.screen = screen
        self._client = client
        self._update: Update | None = None

    async def follow(self, options: argparse.Namespace) -> None:
        """Draw every update."""
        chain = self._client.chain(
            options.underlying, options.expiry, levels=options.levels, interval_ms=options.interval_ms
        )
        left = options.count
        async for self._update in chain:
            self.draw()
            left = left and left - 1
            if left == 0:
                break

    async def keep_drawing(self) -> None:
        """Let ages grow where they can be drawn over; say once why nothing comes where not."""
        said = ""
        while True:
            await asyncio.sleep(REDRAW_SECONDS)
            if self.screen.live:
                self.draw()
            elif not self._client.connected and self._client.status != said:
                said = self._client.status
                sys.stderr.write(f"{said}\n")

    def draw(self) -> None:
        """Draw the table as of now."""
        if self._update is None:
            self.screen.show([self._client.status])
        else:
            self.screen.show(table(self._update, now=now_ms(), connection=self._client.status))


if __name__ == "__main__":
    sys.exit(main())
