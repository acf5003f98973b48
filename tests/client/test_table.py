"""The table in the terminal."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tradingviz_client import Staleness, Update
from tradingviz_client.__main__ import credentials, main, settings
from tradingviz_client.screen import Plain, Terminal
from tradingviz_client.table import age, state, table

NOW = 1_795_368_130_000
CLIENT = Path(__file__).parents[2] / "clients" / "python"


def update(stale: Staleness | None = None, **head: Any) -> Update:
    """Return a chain of two strikes, of which one has no put."""
    call = {"oi": 1_126_645, "iv": 0.1234, "delta": 0.512, "mark": 89.25, "last_ts": NOW - 3_000, "quote_ts": NOW - 400}
    put = {"oi": None, "iv": None, "delta": None, "mark": None, "last_ts": None, "quote_ts": None}
    document = {
        "head": {"underlying": "NIFTY", "expiry": "2026-11-24", "forward": 25_001.55, "atm_strike": 25_000.0, **head},
        "strikes": {
            "25050.5": {"strike": 25_050.5, "call": call},
            "25000": {"strike": 25_000.0, "call": call, "put": put},
        },
    }
    return Update("chain", "t", document, 1, 132, NOW - 1_500, NOW - 100, "exact", stale)


def test_a_row_has_the_call_on_the_left_the_strike_and_the_put_on_the_right() -> None:
    title, live, _, names, atm, above = table(update(), now=NOW, connection="connected")
    assert title.split("  ")[:3] == ["NIFTY 2026-11-24", "forward 25,001.55", "ATM 25,000"]
    assert live == "LIVE  market 1.5s old, sent 0.1s ago, seq 132"
    assert " ".join(names.split()) == "age OI IV % delta mark | CALL strike PUT | mark delta IV % OI age"
    assert " ".join(atm.split()) == "0.4s 1,126,645 12.34 0.512 89.25 | >25,000< | - - - - -"
    assert " ".join(above.split()) == "0.4s 1,126,645 12.34 0.512 89.25 | 25,050.5 | - - - - -"
    assert len({len(line) for line in (names, atm, above)}) == 1


def test_what_is_not_known_is_a_dash() -> None:
    title, *_ = table(update(forward=None, atm_strike=None), now=NOW, connection="")
    assert "forward -  ATM -  IV - %  put/call OI -" in title


@pytest.mark.parametrize(
    ("reason", "words"), [("feed_silent", "feed_silent"), ("disconnected", "no connection: refused; trying again")]
)
def test_a_stale_chain_says_since_when_and_why(reason: str, words: str) -> None:
    since = NOW - 65_000
    line = state(update(Staleness(reason, since)), now=NOW, connection="no connection: refused; trying again")
    assert line.startswith(f"STALE since 22:51:05 IST: {words}  (market 1.5s old")


@pytest.mark.parametrize(
    ("ms", "text"),
    [(-5, "0.0s"), (940, "0.9s"), (9_999, "10.0s"), (59_000, "59s"), (119_999, "120s"), (120_000, "2m"), (7.2e6, "2h"),
     (1.728e8, "2d")],
)  # fmt: skip
def test_ages_take_the_largest_unit_that_fits(ms: float, text: str) -> None:
    assert age(ms) == text


def test_a_terminal_is_drawn_over_and_given_back() -> None:
    output = io.StringIO()
    with Terminal(output) as screen:
        screen.show(["first"])
        screen.show(["x" * 5_000])
    text = output.getvalue()
    assert text.startswith("\x1b[?1049h")
    assert text.endswith("\x1b[?1049l")
    assert text.count("\x1b[Hfirst\x1b[K\x1b[J") == 1
    assert text.count("x") < 5_000


def test_what_is_no_terminal_gets_plain_text() -> None:
    output = io.StringIO()
    with Plain(output) as screen:
        screen.show(["one", "two"])
    assert output.getvalue() == "one\ntwo\n\n"


def test_the_demo_user_is_found_where_make_run_wrote_it_and_the_environment_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEMO_USER", "DEMO_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRADINGVIZ_STATE", str(tmp_path))
    with pytest.raises(ValueError, match="--user"):
        credentials(None, settings())
    (tmp_path / "embedded.env").write_text("# ours\nDEMO_USER=demo\nDEMO_PASSWORD='a=b c'\n")
    assert credentials(None, settings()) == ("demo", "a=b c")
    monkeypatch.setenv("DEMO_PASSWORD", "mine")
    assert credentials("demo", settings()) == ("demo", "mine")
    with pytest.raises(ValueError, match="TRADINGVIZ_PASSWORD"):
        credentials("somebody", settings())
    assert credentials("somebody", {"TRADINGVIZ_PASSWORD": "theirs"}) == ("somebody", "theirs")


def test_a_wrong_address_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_USER", "demo")
    monkeypatch.setenv("DEMO_PASSWORD", "demo")
    assert main(["chain", "NIFTY", "--url", "nowhere"]) == 1
    assert re.fullmatch("tradingviz_client: not an address .*\n", capsys.readouterr().err)


def test_ctrl_c_gives_the_terminal_back_and_ends_cleanly() -> None:
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "tradingviz_client", "chain", "NIFTY", "--url", "http://127.0.0.1:9"],
        stdin=follower, stdout=follower, stderr=follower, cwd=CLIENT,
        env={**os.environ, "DEMO_USER": "demo", "DEMO_PASSWORD": "demo"},
    )  # fmt: skip
    os.close(follower)
    seen = read_until(leader, "trying again")
    child.send_signal(signal.SIGINT)
    seen += read_until(leader, "\x1b[?1049l")
    assert child.wait(timeout=10) == 0
    assert "Traceback" not in seen
    os.close(leader)


def read_until(descriptor: int, text: str) -> str:
    """Return what a terminal showed until a text came."""
    seen = ""
    ends = time.monotonic() + 20
    while text not in seen:
        assert time.monotonic() < ends, seen
        seen += os.read(descriptor, 65_536).decode()
    return seen
