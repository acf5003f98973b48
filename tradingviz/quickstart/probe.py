"""Asks the running application whether it is well, over HTTP like everybody else."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

_SECONDS = 3.0


def health_trouble(base: str) -> str | None:
    """What is wrong according to /health; None when it answers 200."""
    try:
        with urllib.request.urlopen(f"{base}/health", timeout=_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.read(2000).decode(errors='replace')}"
    except OSError as error:
        return str(error)


@dataclass(slots=True)
class FirstAnswer:
    """Asks, with the demo login, what the printed curl line asks."""

    base: str
    user: str
    password: str
    token: str = ""

    def came(self) -> bool:
        """Whether the strikes of NIFTY are answered by now."""
        try:
            self.token = self.token or self._log_in()
            self._read(f"{self.base}/fo/strike-distribution?underlying=NIFTY", token=self.token)
        except (OSError, ValueError, KeyError):  # HTTPError is an OSError
            return False
        return True

    def _log_in(self) -> str:
        body = json.dumps({"username": self.user, "password": self.password}).encode()
        answer = json.loads(self._read(f"{self.base}/auth/token", body=body))
        return str(answer["access"])

    def _read(self, url: str, *, body: bytes | None = None, token: str = "") -> bytes:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return bytes(answer.read())
