"""What real servers and workers log: JSON lines on stdout and in the file, and never a token."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from accounts.models import User
from tests.integration.serving import serving
from tests.rig.cast import access_token
from tests.rig.data import REPOSITORY
from tradingviz.quickstart.processes import end_child, spawn, wait_until

FAILING = """
from tradingviz.celery import app
import logging

@app.task(name="tests.failing")
def failing():
    secret = "Zq9-a-secret"
    logging.getLogger("tests").warning("working with password=%s", secret)
    raise ValueError(f"https://user:{secret}@host/")

app.send_task("tests.failing", task_id="the-id-of-the-task")
"""


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_a_token_in_an_address_is_in_no_line_that_a_server_logs(
    server: str, server_environment: dict[str, str], owner: User, tmp_path: Path
) -> None:
    token, file = access_token(owner), tmp_path / "logs" / "app.log"
    environment = {**server_environment, "LOG_FILE": str(file), "LOG_LEVEL": "INFO"}
    with serving(server, environment, tmp_path / "stdout") as web:
        web.get(f"/nowhere?token={token}")
        web.get("/fo/underlyings", Authorization=f"Bearer {token}x", Cookie=f"sessionid={token}")
        for credentials in (f"token={token}", f"token={token}x", "ticket=Zq9-not-one-of-ours"):
            _come_and_go(f"ws://127.0.0.1:{web.port}/ws/fo/stream?{credentials}")
        wait_until(lambda: "/nowhere" in file.read_text(), seconds=5)
    assert [line["message"] for line in web.lines() if line["level"] == "ERROR"] == []
    texts = (web.log.read_text(), file.read_text())
    assert "/nowhere" in texts[0]  # Django warns of it
    for text in texts:
        assert [part for part in token.split(".") if part in text] == []
        assert "Zq9" not in text
    shared = [line for line in web.lines() if "/nowhere" in line["message"]]
    assert shared == [line for line in map(json.loads, texts[1].splitlines()) if "/nowhere" in line["message"]]
    if server == "uvicorn":
        accepted = [line["message"] for line in web.lines() if "[accepted]" in line["message"]]
        assert accepted
        assert all("=[scrubbed]" in message for message in accepted)


def _come_and_go(url: str) -> None:
    with suppress(WebSocketException, OSError), connect(url, open_timeout=10, proxy=None) as socket:
        socket.recv(timeout=1)


def test_what_a_task_logs_carries_its_id_and_no_secret(server_environment: dict[str, str], tmp_path: Path) -> None:
    module, log = tmp_path / "failing_task.py", tmp_path / "worker.log"
    module.write_text(FAILING.rpartition("\napp.send_task")[0])
    environment = {**server_environment, "PYTHONPATH": str(tmp_path)}
    options = ("worker", "--pool=solo", "--loglevel=INFO", "--include", "failing_task", "--without-gossip")
    command = [sys.executable, "-m", "celery", "-A", "tradingviz", *options]
    child = spawn(command, log=log, environment=environment, cwd=REPOSITORY)
    try:
        subprocess.run([sys.executable, "-c", FAILING], cwd=REPOSITORY, env=environment, check=True)
        assert wait_until(lambda: "raised unexpected" in log.read_text(), seconds=60), log.read_text()
    finally:
        end_child(child, polite=SIGTERM, seconds=15)
    assert "Zq9" not in log.read_text()
    lines = [json.loads(text) for text in log.read_text().splitlines() if text.startswith("{")]
    said = [line for line in lines if "working with" in line["message"]]
    assert [(line["task_id"], line["message"]) for line in said] == [
        ("the-id-of-the-task", "working with password=[scrubbed]")
    ]
    assert {line["task_id"] for line in lines if line["logger"] == "celery.app.trace" and "task_id" in line} == {
        "the-id-of-the-task"
    }
