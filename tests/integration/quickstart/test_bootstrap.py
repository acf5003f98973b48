"""ops/bootstrap.py with the real venv and pip, on a small repository with one package, a wheel beside it."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tradingviz.settings.env import ROOT

# Not the environment of the tests, which may have no pip: the Python it was made from.
SYSTEM_PYTHON = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def system_has(module: str) -> bool:
    return subprocess.run([SYSTEM_PYTHON, "-c", f"import {module}"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not system_has("pip"), reason="this machine's Python has no pip")


@dataclass(frozen=True)
class Repository:
    """A repository with the bootstrap script and a requirements file."""

    folder: Path
    wheels: Path

    def pin(self, version: str, *, right_hash: bool = True) -> None:
        """Ask for a version of the package `tiny`, made here, and for nothing else."""
        self.requirements.write_text("")
        self.pin_wheel(make_wheel(self.wheels, version), right_hash=right_hash)

    def pin_wheel(self, wheel: Path, *, right_hash: bool = True) -> None:
        """Ask for a wheel, too."""
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes() if right_hash else b"").hexdigest()
        with self.requirements.open("a") as pins:
            pins.write(f"{name}=={version} \\\n    --hash=sha256:{digest}\n")

    @property
    def requirements(self) -> Path:
        return self.folder / "requirements" / "base.txt"

    def bootstrap(self, *, ensurepip: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the script without any package index, as on Debian: ensurepip is missing unless asked for."""
        variables = {} if ensurepip else {"PYTHONPATH": str(self.folder / "debian")}
        environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), **variables}
        command = [SYSTEM_PYTHON, "ops/bootstrap.py", "base"]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)

    def installed(self) -> str:
        """The version of `tiny` which the environment's Python imports."""
        command = [str(self.folder / ".venv/bin/python"), "-c", "import tiny; print(tiny.version)"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def make_wheel(folder: Path, version: str, *, name: str = "tiny", metadata: str = "") -> Path:
    """Write the smallest wheel there is; `metadata` are further lines of its METADATA."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


# Debian packs ensurepip apart: without it `python3 -m venv` fails unless it is told to leave pip out.
VENV_OF_DEBIAN = """
import os, runpy, sys
if "--without-pip" not in sys.argv:
    sys.exit("The virtual environment was not created successfully because ensurepip is not available.")
sys.path.remove(os.environ["PYTHONPATH"])
runpy.run_module("venv", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    for name in ("ops", "requirements", "wheels", "debian"):
        (tmp_path / name).mkdir()
    (tmp_path / "debian" / "venv.py").write_text(VENV_OF_DEBIAN)
    shutil.copy(ROOT / "ops" / "bootstrap.py", tmp_path / "ops")
    found = Repository(tmp_path, tmp_path / "wheels")
    found.pin("1.0")
    return found


def test_it_installs_once_and_again_only_when_the_pins_change(repository: Repository) -> None:
    first = repository.bootstrap()
    assert (first.returncode, repository.installed()) == (0, "1.0")
    assert "installing the 1 pinned packages" in first.stderr
    assert repository.bootstrap().stderr == ""
    repository.pin("2.0")
    assert repository.bootstrap().returncode == 0
    assert repository.installed() == "2.0"


def test_a_wheel_with_another_hash_is_refused_in_plain_words(repository: Repository) -> None:
    repository.pin("1.0", right_hash=False)
    finished = repository.bootstrap()
    assert finished.returncode == 1
    assert "pip failed, see" in finished.stderr
    assert "DO NOT MATCH THE HASHES" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert repository.bootstrap().returncode == 1


def test_a_newer_release_of_what_a_package_needs_with_an_extra_changes_nothing(repository: Repository) -> None:
    repository.requirements.write_text("")
    repository.pin_wheel(make_wheel(repository.wheels, "1.0", metadata="Provides-Extra: more\n"))
    repository.pin_wheel(make_wheel(repository.wheels, "1.0", name="user", metadata="Requires-Dist: tiny[more]>=1.0\n"))
    make_wheel(repository.wheels, "2.0", metadata="Provides-Extra: more\n")
    finished = repository.bootstrap()
    assert finished.returncode == 0, finished.stderr
    assert repository.installed() == "1.0"


def test_a_package_that_needs_one_without_a_pin_is_named(repository: Repository) -> None:
    repository.pin_wheel(make_wheel(repository.wheels, "1.0", name="user", metadata="Requires-Dist: absent>=1.0\n"))
    finished = repository.bootstrap()
    assert finished.returncode == 1
    assert "the pins do not fit together" in finished.stderr
    assert "user 1.0 requires absent, which is not installed" in finished.stderr
    assert repository.bootstrap().returncode == 1


@pytest.mark.parametrize("ensurepip", [True, False])
def test_without_ensurepip_the_systems_pip_fills_the_environment(repository: Repository, ensurepip: bool) -> None:
    if ensurepip and not system_has("ensurepip"):
        pytest.skip("this machine's Python has no ensurepip")
    finished = repository.bootstrap(ensurepip=ensurepip)
    assert finished.returncode == 0, finished.stderr
    assert repository.installed() == "1.0"
    assert (repository.folder / ".venv/bin/pip").exists() == ensurepip


def test_an_environment_whose_python_went_away_is_made_anew(repository: Repository) -> None:
    assert repository.bootstrap().returncode == 0
    python = repository.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert repository.bootstrap().returncode == 0
    assert repository.installed() == "1.0"


def test_a_repository_which_may_not_be_written_is_one_line(repository: Repository) -> None:
    (repository.folder / ".venv").write_text("a file is in the way")
    finished = repository.bootstrap()
    assert finished.returncode == 1
    assert finished.stderr.count("\n") <= 2
    assert "Traceback" not in finished.stderr


def test_another_name_than_base_or_dev_is_answered_with_the_usage(repository: Repository) -> None:
    command = [SYSTEM_PYTHON, "ops/bootstrap.py", "none"]
    finished = subprocess.run(command, cwd=repository.folder, capture_output=True, text=True)
    assert (finished.returncode, finished.stderr) == (2, "bootstrap: usage: ops/bootstrap.py base|dev\n")
