"""What is printed when everything answers."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

_READ = 'import json, sys; print(json.load(sys.stdin)["access"])'


def curl_line(*, base: str, user: str, password: str) -> str:
    """A line for another terminal: it gets a token and asks for the strikes of NIFTY."""
    body = shlex.quote(json.dumps({"username": user, "password": password}))
    login = f"curl -s {base}/auth/token -H 'Content-Type: application/json' -d {body}"
    token = f"{login} | python3 -c {shlex.quote(_READ)}"
    return f"curl -s -H \"Authorization: Bearer $({token})\" '{base}/fo/strike-distribution?underlying=NIFTY'"


def banner(*, base: str, values: Mapping[str, str], state: Path, seconds: float) -> str:
    """URLs, the demo login, a line to try, and how to end it."""
    user, password = values["DEMO_USER"], values["DEMO_PASSWORD"]
    rows = {
        "API": base,
        "Docs": f"{base}/docs",
        "Admin": f"{base}/admin/",
        "Health": f"{base}/health",
        **({"Market": f"{values['TICKER_SERVICE_URL']}/health, simulated"} if "SIMULATOR_PORT" in values else {}),
        "Login": f"{user} / {password}",
        "Logs": f"{state / 'logs'}",
    }
    table = "\n".join(f"  {name:<8}{text}" for name, text in rows.items())
    line = curl_line(base=base, user=user, password=password)
    opening, ending = f"\nReady after {seconds:.1f} s.", "Ctrl-C ends it; the data is kept.\n"
    return "\n\n".join((f"{opening}\n{table}", "Try it in another terminal:", line, ending))
