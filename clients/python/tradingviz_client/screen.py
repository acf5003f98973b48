"""Where a live table is shown: a terminal, which is drawn over, or a stream, which gets table after table."""

import shutil
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self, TextIO

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen(Protocol):
    """Shows lines. `live`: what is shown can be replaced, so ages may be shown growing."""

    live: bool

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, lines: Sequence[str]) -> None:
        """Show lines in place of those before, or after them."""


class Terminal:
    """The whole window, given back as it was at the end."""

    live = True

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def __enter__(self) -> Self:
        """Take the window."""
        self._write(_ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self._write(_LEAVE)

    def show(self, lines: Sequence[str]) -> None:
        """Draw over what is there, as much as the window holds."""
        size = shutil.get_terminal_size()
        shown = [f"{line[: size.columns]}{_REST_OF_LINE}" for line in lines[: size.lines]]
        self._write(_HOME + "\r\n".join(shown) + _REST_OF_SCREEN)

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()


class Plain:
    """A file or a pipe."""

    live = False

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def __enter__(self) -> Self:
        """Nothing is to be done."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is to be done."""

    def show(self, lines: Sequence[str]) -> None:
        """Write the lines and an empty one."""
        self._output.write("\n".join([*lines, "", ""]))
        self._output.flush()


def screen_on(output: TextIO) -> Screen:
    """Return the screen that fits."""
    return Terminal(output) if output.isatty() else Plain(output)
