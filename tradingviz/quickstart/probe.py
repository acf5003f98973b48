"""Asks the running application how it is, over HTTP like everybody else."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

_SECONDS = 3.0
_OURS = ("database", "redis", "ingest")


@dataclass(frozen=True, slots=True)
class Health:
    """What /health says.

    trouble  None when all is well
    ticks    how many ticks ingest has taken in
    """

    trouble: str | None
    ticks: int = 0


def read_health(base: str) -> Health:
    """Ask /health of the server at `base`."""
    try:
        with urllib.request.urlopen(f"{base}/health", timeout=_SECONDS) as answer:
            return _judge(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Health(f"{error.code} {error.read(2000).decode(errors='replace')}")
    except OSError as error:
        return Health(str(error))


def _judge(body: bytes) -> Health:
    try:
        said = json.loads(body)
        # The ticker service is somebody else's: without it all of ours still works.
        well = said["status"] == "healthy" or all(said.get(part) == "healthy" for part in _OURS)
        return Health(None if well else body.decode(), int(said["ticks"] or 0))
    except (ValueError, KeyError, TypeError) as error:
        return Health(f"no health report: {error!r}")
