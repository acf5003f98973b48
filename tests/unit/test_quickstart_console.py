"""What the terminal shows of the children's logs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tradingviz.quickstart import console as module
from tradingviz.quickstart.console import Console, LogView, last_lines, readable


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "ingest.log"
    path.touch()
    return path


def append(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def record(level: str, message: str, **extra: object) -> str:
    return json.dumps({"time": "t", "level": level, "logger": "fo", "message": message, **extra})


def shown(view: LogView, capsys: pytest.CaptureFixture[str]) -> list[str]:
    view.follow()
    return [line.partition(" | ")[2] for line in capsys.readouterr().out.splitlines() if " | " in line]


def test_only_warnings_and_worse_of_structured_logs_are_shown(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = LogView("ingest", log, Console())
    append(log, record("INFO", "quiet"), record("WARNING", "loud", token=5), record("ERROR", "louder"))
    assert shown(view, capsys) == ["WARNING fo: loud (token=5)", "ERROR fo: louder"]


def test_everything_is_shown_when_verbose(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = LogView("ingest", log, Console(verbose=True))
    append(log, record("INFO", "quiet"), "plain")
    assert shown(view, capsys) == ["INFO fo: quiet", "plain"]


def test_a_traceback_is_shown_to_its_last_line_and_no_further(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = LogView("web", log, Console())
    traceback = ["Traceback (most recent call last):", '  File "x.py", line 1', "module.WeirdName: bad"]
    append(log, "before", *traceback, "after")
    assert shown(view, capsys) == traceback


def test_a_half_written_line_waits_for_its_end(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = LogView("web", log, Console(verbose=True))
    log.write_text("first ha")
    assert shown(view, capsys) == []
    append(log, "lf")
    assert shown(view, capsys) == ["first half"]


def test_of_a_flood_the_end_is_shown_with_the_place_of_the_rest(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = LogView("web", log, Console())
    append(log, *(record("ERROR", str(number)) for number in range(100)))
    lines = shown(view, capsys)
    assert lines[0] == f"… 80 more lines in {log}"
    assert lines[1:] == [f"ERROR fo: {number}" for number in range(80, 100)]


def test_a_large_log_is_begun_anew_while_its_writer_goes_on(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOG_BYTES", 100)
    view = LogView("web", log, Console(verbose=True))
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 200 + b"\n")
        assert shown(view, capsys) == ["x" * 200]
        assert log.stat().st_size == 0
        writer.write(b"next\n")
    assert shown(view, capsys) == ["next"]
    assert log.read_bytes() == b"next\n"


def test_a_structured_record_reads_with_its_exception_below() -> None:
    level, text = readable(record("ERROR", "failed", exception="Traceback:\nValueError"))
    assert (level, text) == ("ERROR", "ERROR fo: failed\n    Traceback:\n    ValueError")


@pytest.mark.parametrize("line", ["{", "{}", "[1]", "plain", '{"message": 1}'])
def test_what_is_no_record_comes_back_as_it_is(line: str) -> None:
    assert readable(line) == (None, line)


def test_the_end_of_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log") == ""


@pytest.mark.parametrize("sink", ["> /dev/full", "| true"])
def test_a_terminal_which_went_away_is_no_error(sink: str) -> None:
    program = f"import time; time.sleep(0.2); from {module.__name__} import Console\nfor _ in 'ab': Console().say('x')"
    command = f'"$0" -c "$1" {sink}; echo "${{PIPESTATUS[0]}}"'
    finished = subprocess.run(["bash", "-c", command, sys.executable, program], capture_output=True, text=True)
    assert (finished.stdout, finished.stderr) == ("0\n", "")
