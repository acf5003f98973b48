"""`python -m tradingviz.quickstart [run|dev|stop]`; REPLAY, SPEED, PORT and VERBOSE come as variables."""

import errno
import os
import sys

from tradingviz.quickstart import run as quickstart
from tradingviz.quickstart.errors import QuickstartError
from tradingviz.settings.env import state_dir

_USAGE = "usage: python -m tradingviz.quickstart [run|dev|stop]"


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    command = arguments[0] if arguments else "run"
    if len(arguments) > 1 or command not in ("run", "dev", "stop"):
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        return _obey(command)
    except QuickstartError as error:
        print(f"make {command}: {error}", file=sys.stderr)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"make {command}: the disk is full ({error.filename or state_dir()})", file=sys.stderr)
    return 1


def _obey(command: str) -> int:
    if command == "stop":
        print(quickstart.stop(state_dir()))
        return 0
    options = quickstart.Options.read(os.environ, develop=command == "dev")
    quickstart.run(options, state_dir())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
