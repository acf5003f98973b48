"""Chromium, spoken to over its DevTools protocol: opens pages, and hears all that it complains about."""

import itertools
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tradingviz.quickstart.processes import wait_until

START_SECONDS = 60.0
# On a bare machine there is no sandbox, no graphics and next to no /dev/shm.
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server")


class Tab:
    """One page."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, url: str, shows: str, *, seconds: float = 30.0) -> None:
        """Go to a page and wait until an element is there; fail where it does not come."""
        self.complaints.clear()
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + seconds
        while not self.value(f"document.readyState === 'complete' && !!document.querySelector({json.dumps(shows)})"):
            assert time.monotonic() < deadline, (url, self.complaints, self.value("document.documentElement.outerHTML"))
            time.sleep(0.1)
        time.sleep(0.5)  # what comes after the page is shown may fail, too
        self.value("1")

    def value(self, expression: str) -> Any:
        """Return a JavaScript expression's value."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def set_cookie(self, url: str, name: str, value: str) -> None:
        """Keep a cookie for a site."""
        self.call("Network.setCookie", url=url, name=name, value=value)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method, and note what happened meanwhile."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("id") == number:
                assert "error" not in message, message
                found: dict[str, Any] = message["result"]
                return found
            self._note(message.get("method", ""), message.get("params", {}))

    def _note(self, event: str, params: Mapping[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.complaints.append(str([argument.get("value") for argument in params["args"]]))
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} ({params['entry'].get('url', '')})")


@contextmanager
def chromium(program: str, folder: Path) -> Iterator[Tab]:
    """Run Chromium with one tab; its profile goes into a folder."""
    options = (*OPTIONS, *QUIET, "--remote-debugging-port=0", f"--user-data-dir={folder}")
    with (folder.parent / "chromium.log").open("wb") as log:
        child = subprocess.Popen([program, *options, "about:blank"], stdout=log, stderr=log)
    try:
        told = folder / "DevToolsActivePort"
        assert wait_until(lambda: told.exists() and "\n" in told.read_text(), seconds=START_SECONDS)
        port = told.read_text().splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
            page = next(target for target in json.load(answer) if target["type"] == "page")
        with connect(page["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
            yield Tab(socket)
    finally:
        child.terminate()
        child.wait(timeout=20)
