"""The manager with real servers and small stand-ins for the application.

`python -m tests.integration.quickstart.stand_in STATE PORT`; `web` for STATE makes it the web server itself.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tradingviz.quickstart.run import Options, run
from tradingviz.quickstart.supervisor import Process
from tradingviz.quickstart.table import Table

MODULE = "tests.integration.quickstart.stand_in"


class Healthy(BaseHTTPRequestHandler):
    """Says that all is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "healthy", "ticks": 1}')


def small_table(*, port: int, state: Path, recording: Path | None, speed: str | None) -> Table:
    """A web server, a process with a child of its own, and a feed which ends."""
    return Table(
        preparing=(Process("migrate", ("true",)), Process("warm", ("true",))),
        alongside=(Process("demo_user", ("true",)),),
        services=(
            Process("worker", ("sh", "-c", "sleep 1000 & sleep 1000")),
            Process("web", (sys.executable, "-m", MODULE, "web", str(port))),
        ),
        feed=Process("replay", ("echo", "all ticks sent"), finishes=True),
    )


if __name__ == "__main__":
    state, port = sys.argv[1], int(sys.argv[2])
    if state == "web":
        ThreadingHTTPServer(("127.0.0.1", port), Healthy).serve_forever()
    options = Options(recording=Path("/"), speed=None, port=port, verbose=False, develop=False)
    run(options, Path(state), small_table)
