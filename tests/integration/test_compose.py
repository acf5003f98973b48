"""docker-compose.yml and the Dockerfile start what `make run` starts, and hold no secret."""

import json
import os
import re
import shlex
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

import tradingviz
from tradingviz.quickstart.preflight import LOOPBACK
from tradingviz.quickstart.table import Table, process_table

REPOSITORY = Path(__file__).resolve().parents[2]
SECRETS = ("DB_PASSWORD", "JWT_SECRET_KEY", "DJANGO_SECRET_KEY", "CREDENTIALS_KEY")
READY = {
    "redis": {"condition": "service_healthy"},
    "migrate": {"condition": "service_completed_successfully"},
}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """The process table of `make run` on a machine that has /dev/shm, as every container does.

    With a recording: in containers the ticker service is the user's, and no simulator runs.
    """
    monkeypatch.setattr(os, "access", lambda *_: True)
    return process_table(port=8081, state=Path("/var/lib/tradingviz"), recording=Path("/day"), speed=None)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml, as written."""
    loaded = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = loaded["services"]
    return found


def in_container(argv: tuple[str, ...]) -> list[str]:
    """Return a command of the process table as an image runs it: its own Python, every interface."""
    return ["python", *("0.0.0.0" if part == LOOPBACK else part for part in argv[1:])]


def dockerfile_instruction(name: str) -> str:
    """Return the arguments of the Dockerfile's last instruction of that name."""
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found: list[str] = re.findall(rf"^{name} (.*)$", text, flags=re.MULTILINE)
    return found[-1].strip()


def test_every_process_of_make_run_has_a_service_with_the_same_entry_point(
    services: dict[str, Any], table: Table
) -> None:
    expected = {process.name: in_container(process.argv) for process in table.services}
    assert {name: services[name]["command"] for name in expected} == expected


def test_the_migrate_job_runs_the_first_step_of_make_run_once(services: dict[str, Any], table: Table) -> None:
    (migrate,) = (process for process in table.preparing if process.name == "migrate")
    assert services["migrate"]["command"] == in_container(migrate.argv)
    assert services["migrate"]["restart"] == "no"


def test_compose_adds_nothing_but_the_servers_and_the_migrate_job(services: dict[str, Any], table: Table) -> None:
    processes = {process.name for process in table.services}
    assert set(services) == processes | {"database", "redis", "migrate"}


def test_exactly_one_service_runs_beat(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "beat" in service.get("command", ())] == ["beat"]


def test_every_process_waits_for_migrations_and_redis(services: dict[str, Any], table: Table) -> None:
    for process in table.services:
        waits = services[process.name]["depends_on"]
        assert waits == READY, process.name


def test_every_long_running_service_has_a_health_check_of_its_own_or_of_the_image(
    services: dict[str, Any],
) -> None:
    without = {name for name, service in services.items() if "healthcheck" not in service}
    assert without == {"web"}  # the image asks /health/live
    assert "/health/live" in dockerfile_instruction("HEALTHCHECK")


def test_ports_are_bound_to_loopback_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:8081:8081"]


def test_secrets_have_no_value_in_the_file() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    for name in SECRETS:
        values = re.findall(rf"^\s+(?:\w*_)?{name}: (.*)$", text, flags=re.MULTILINE)
        assert values
        assert all(value.startswith(f"${{{name}:?") for value in values), name


def test_the_image_has_the_version_of_the_code(services: dict[str, Any]) -> None:
    assert services["web"]["image"] == f"tradingviz:{tradingviz.__version__}"


def test_the_image_alone_serves_rest_and_websocket(services: dict[str, Any]) -> None:
    assert json.loads(dockerfile_instruction("CMD")) == services["web"]["command"]
    assert dockerfile_instruction("EXPOSE") == "8081"
    assert dockerfile_instruction("USER") == "tradingviz"


def test_everything_the_image_copies_in_is_let_through_by_dockerignore() -> None:
    allowed = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    needed = {"manage.py", "tradingviz", "streaming", "accounts", "fo_analytics", "strategies"}
    copied = {shlex.split(dockerfile_line)[-2] for dockerfile_line in copies_from_context()} - {"."}
    assert needed | copied <= allowed
    assert all((REPOSITORY / name).exists() for name in allowed)


def copies_from_context() -> list[str]:
    """Return the COPY lines that take from the build context."""
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith("COPY ") and "--from=" not in line]


def test_docker_compose_accepts_the_file_and_refuses_it_without_secrets(tmp_path: Path) -> None:
    client = shutil.which("docker-compose")
    if client is None:
        pytest.skip("no docker-compose client (apt-get install docker-compose)")
    shutil.copy(REPOSITORY / "docker-compose.yml", tmp_path)  # away from a .env with secrets
    check = partial(subprocess.run, [client, "config", "--quiet"], cwd=tmp_path, capture_output=True, text=True)
    bare = {name: value for name, value in os.environ.items() if name not in SECRETS}
    accepted = check(env=bare | dict.fromkeys(SECRETS, "only-for-this-check"))
    assert (accepted.returncode, accepted.stderr) == (0, "")
    refused = check(env=bare)
    assert refused.returncode != 0
    assert "DB_PASSWORD" in refused.stderr
