"""Settings from the environment: strict, by name, and in one order of files."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from tradingviz.settings import env

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "TRADINGVIZ_TEST_VALUE"
SECRET = "a-secret-that-is-long-enough-0123456789abcdef"
REQUIRED = {
    "DB_PASSWORD": SECRET,
    "JWT_SECRET_KEY": SECRET,
    "DJANGO_SECRET_KEY": SECRET,
    "CREDENTIALS_KEY": f"{SECRET}-2",
}

Reader = Callable[[], object]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand for the repository's root: a folder without files, `.run` below it."""
    monkeypatch.setattr(env, "ROOT", tmp_path)
    monkeypatch.delenv("TRADINGVIZ_STATE", raising=False)
    monkeypatch.delenv(NAME, raising=False)
    env._file_values.cache_clear()
    yield tmp_path
    env._file_values.cache_clear()


def write(folder: Path, *, user: str | None = None, generated: str | None = None) -> None:
    """Write the user's and the generated file."""
    (folder / ".run").mkdir()
    for path, text in ((folder / ".env", user), (folder / ".run" / "embedded.env", generated)):
        if text is not None:
            path.write_text(text, encoding="utf-8")


def test_the_process_wins_over_the_users_file_and_that_over_the_generated_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, user="A=user\nB=user\n", generated="A=generated\nB=generated\nC=generated\n")
    monkeypatch.setenv("A", "process")
    assert [env.get(name) for name in ("A", "B", "C", "D")] == ["process", "user", "generated", None]


def test_an_empty_value_is_none_at_every_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, user="A=\nB=user\n", generated="A=generated\nC=\n")
    monkeypatch.setenv("B", "")
    assert [env.get(name) for name in ("A", "B", "C")] == ["generated", "user", None]


def test_the_generated_file_is_looked_for_where_the_state_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "embedded.env").write_text("A=there\n", encoding="utf-8")
    monkeypatch.setenv("TRADINGVIZ_STATE", str(elsewhere))
    assert env.get("A") == "there"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("  A = spaced  ", "spaced"),
        ("export A=exported", "exported"),
        ('A="with # and = and spaces "', "with # and = and spaces "),
        ("A='single'", "single"),
        ("A=value # a comment", "value"),
        ("A=value#no-comment", "value#no-comment"),
        ("A=a=b", "a=b"),
        ("A=", ""),
        ('A="', '"'),
        ("A=first\nA=second", "second"),
    ],
)
def test_a_line_is_read_as_shells_and_compose_read_it(line: str, value: str) -> None:
    assert env.parse_env_file(line) == {"A": value}


@pytest.mark.parametrize("text", ["", "# A=1", "A", "1A=2", "A B=1", "=1", "\n\n"])
def test_what_is_no_assignment_is_nothing(text: str) -> None:
    assert env.parse_env_file(text) == {}


@given(text=st.text())
def test_no_text_breaks_the_reading_of_a_file(text: str) -> None:
    assert all(isinstance(value, str) for value in env.parse_env_file(text).values())


READERS: dict[str, tuple[Reader, list[str]]] = {
    "integer": (lambda: env.integer(NAME, 1, low=1, high=10), ["x", "1.5", "0", "11", "-1", "1e1", " 1", "٣", "+1"]),
    "decimal": (lambda: env.decimal(NAME, 0.1, low=0.0, high=0.5), ["x", "nan", "inf", "0.51", "-0.1", "1,5"]),
    "boolean": (lambda: env.boolean(NAME, True), ["maybe", "2", "tru", "-"]),
    "choice": (lambda: env.choice(NAME, "a", ("a", "b")), ["c", "A", "a "]),
    "url": (
        lambda: env.url(NAME, "redis://x", ("redis", "unix")),
        ["x", "http://x", "redis:", "redis://", "redis://h:junk", "redis://h:99999"],
    ),
}


@pytest.mark.parametrize(("reader", "junk"), [(name, junk) for name, (_, words) in READERS.items() for junk in words])
def test_junk_is_refused_by_the_variables_name(monkeypatch: pytest.MonkeyPatch, reader: str, junk: str) -> None:
    monkeypatch.setenv(NAME, junk)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        READERS[reader][0]()


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        ("integer", "10", 10),
        ("integer", "1", 1),
        ("decimal", "0.5", 0.5),
        ("decimal", "0", 0.0),
        ("boolean", "No", False),
        ("boolean", "ON", True),
        ("boolean", "1", True),
        ("choice", "b", "b"),
        ("url", "redis://:secret@host:6379/0", "redis://:secret@host:6379/0"),
        ("url", "unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_a_value_within_its_limits_is_taken(
    monkeypatch: pytest.MonkeyPatch, reader: str, text: str, value: object
) -> None:
    monkeypatch.setenv(NAME, text)
    assert READERS[reader][0]() == value


@pytest.mark.parametrize(("reader", "default"), [("integer", 1), ("decimal", 0.1), ("boolean", True), ("choice", "a")])
def test_without_a_value_the_default_holds(reader: str, default: object) -> None:
    assert READERS[reader][0]() == default


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.words(NAME, ("x", "y")) == ["x", "y"]
    monkeypatch.setenv(NAME, " a, b,,c ")
    assert env.words(NAME, ("x",)) == ["a", "b", "c"]


def test_a_required_value_that_is_missing_is_asked_for_by_name_with_the_reason() -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}.*write it down"):
        env.required(NAME, "write it down")


def test_a_module_inherits_settings_and_nothing_else() -> None:
    base = ModuleType("base")
    into: dict[str, object] = {"KEPT": 1}
    base.__dict__.update(SETTING=1, helper=2, Type=int)
    env.inherit(base, into)
    assert into == {"KEPT": 1, "SETTING": 1}


@pytest.mark.parametrize(("name", "module"), [("development", "dev"), ("test", "test"), ("production", "prod")])
def test_the_environment_chooses_the_settings(monkeypatch: pytest.MonkeyPatch, name: str, module: str) -> None:
    monkeypatch.setenv("ENVIRONMENT", name)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    env.choose_settings()
    assert os.environ["DJANGO_SETTINGS_MODULE"] == f"tradingviz.settings.{module}"


def check(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py check` in a child with these variables only; no file but those in `folder`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=REPOSITORY,
        env={**kept, "TRADINGVIZ_STATE": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif((REPOSITORY / ".env").exists(), reason="a .env of the user's fills in what is left out here")
@pytest.mark.parametrize("missing", ["DB_PASSWORD", "JWT_SECRET_KEY"])
def test_a_start_without_a_secret_stops_with_its_name(folder: Path, missing: str) -> None:
    done = check(folder, **{name: value for name, value in REQUIRED.items() if name != missing})
    assert done.returncode != 0
    assert f"{missing} is not set" in done.stderr


@pytest.mark.parametrize(
    ("name", "junk"),
    [
        ("ENVIRONMENT", "staging"),
        ("DB_PORT", "five"),
        ("REDIS_URL", "localhost:6379"),
        ("JWT_ALGORITHM", "none"),
        ("TICKER_SERVICE_URL", "ftp://x"),
        ("RISK_FREE_RATE", "nan"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FILE", "/proc/no/such/app.log"),
        ("PROMETHEUS_MULTIPROC_DIR", "/proc/no/such"),
        ("DB_STATEMENT_TIMEOUT_MS", "15s"),
    ],
)
def test_a_junk_setting_stops_the_start_with_its_name(folder: Path, name: str, junk: str) -> None:
    done = check(folder, **REQUIRED, **{name: junk})
    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]
    assert SECRET not in done.stderr + done.stdout


def test_the_users_own_variables_and_defaults_are_enough_for_a_start(folder: Path) -> None:
    done = check(folder, DB_PASSWORD=SECRET, JWT_SECRET_KEY=SECRET)
    assert (done.returncode, done.stderr) == (0, "")


def test_production_does_not_start_without_its_own_key_and_hosts(folder: Path) -> None:
    done = check(folder, ENVIRONMENT="production", DB_PASSWORD=SECRET, JWT_SECRET_KEY=SECRET)
    assert done.returncode != 0
    assert "DJANGO_SECRET_KEY" in done.stderr.splitlines()[-1]


def test_off_is_no_address_and_all_else_must_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "off")
    assert env.url_or_off(NAME, "http://a", ("http",)) is None
    monkeypatch.setenv(NAME, "of")
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.url_or_off(NAME, "http://a", ("http",))


def test_a_file_is_below_the_projects_folder_unless_it_says_otherwise(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert env.file(NAME, "logs/app.log") == folder / "logs" / "app.log"
    assert (folder / "logs").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv(NAME, str(tmp_path / "x.log"))
    assert env.file(NAME, "logs/app.log") == tmp_path / "x.log"
    monkeypatch.setenv(NAME, "off")
    assert env.file(NAME, "logs/app.log") is None


def test_a_default_file_that_cannot_be_written_is_left_out_and_a_named_one_stops_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "logs").write_text("in the way")
    assert env.file(NAME, "logs/app.log") is None
    monkeypatch.setenv(NAME, "logs/app.log")
    with pytest.raises(ImproperlyConfigured, match="cannot be written"):
        env.file(NAME, "off")


@pytest.mark.parametrize(("environment", "expected"), [("development", True), ("test", False), ("production", False)])
def test_only_development_writes_a_log_file_without_being_told(environment: str, expected: bool) -> None:
    code = (
        f"from tradingviz.settings.{env.ENVIRONMENTS[environment]} import LOGGING; print('file' in LOGGING['handlers'])"
    )
    bare = {k: v for k, v in os.environ.items() if k not in ("LOG_FILE", "DJANGO_SETTINGS_MODULE")}
    environ = {**bare, **REQUIRED, "ENVIRONMENT": environment, "ALLOWED_HOSTS": "a"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(expected)
