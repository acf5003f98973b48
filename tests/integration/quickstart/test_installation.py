"""Root's copy of the server programs: reachable for an unprivileged account, and nothing else opened up."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradingviz.quickstart.installation import copied_installation, root_folder
from tradingviz.quickstart.throwaway import throwaway_postgres

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root copies the programs")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder which everybody can pass through, in place of /var/lib."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def modes(*folders: Path) -> dict[Path, int]:
    """The modes of folders and of everything above them."""
    return {path: path.stat().st_mode for folder in folders for path in (folder, *folder.parents)}


def test_no_mode_of_a_folder_which_was_there_changes(place: Path, tmp_path: Path) -> None:
    home = tmp_path / "root's home"
    home.mkdir(mode=0o700)
    before = modes(place, home)
    programs = copied_installation(root_folder(home / ".run", [place]))
    server = throwaway_postgres(programs)
    server.start()
    server.stop()
    assert modes(place, home) == before
    assert [stat.S_IMODE(path.stat().st_mode) for path in (server.data, server.data.parent)] == [0o700, 0o700]


def test_a_strict_umask_does_not_shut_the_account_out(place: Path, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        programs = copied_installation(root_folder(tmp_path / ".run", [place]))
    finally:
        os.umask(old)
    assert programs.account is not None
    for program in (programs.postgres / "postgres", programs.redis):
        command = [str(program), "--version"]
        finished = subprocess.run(command, user=programs.account.uid, group=programs.account.gid, capture_output=True)
        assert finished.returncode == 0, finished.stderr


def test_the_account_may_write_nothing_but_its_own_data(place: Path, tmp_path: Path) -> None:
    programs = copied_installation(root_folder(tmp_path / ".run", [place]))
    everything = [programs.folder, *programs.folder.rglob("*")]
    assert {path.lstat().st_uid for path in everything} == {0}
    assert [path for path in everything if path.lstat().st_mode & 0o022 and not path.is_symlink()] == []


def test_the_copy_is_made_once_and_an_interrupted_one_is_not_taken_for_whole(place: Path, tmp_path: Path) -> None:
    folder = root_folder(tmp_path / ".run", [place])
    first = copied_installation(folder)
    made = (first.postgres / "postgres").stat().st_ino
    assert copied_installation(folder) == first
    assert (first.postgres / "postgres").stat().st_ino == made
    programs = next(path for path in folder.iterdir() if path.name.startswith("programs-"))
    (programs / "half-copied").touch()
    programs.rename(programs.with_name(f"{programs.name}.unfinished"))
    assert (copied_installation(folder).postgres / "postgres").is_file()
    assert not list(folder.rglob("half-copied"))


def test_two_repositories_have_two_folders(place: Path, tmp_path: Path) -> None:
    assert root_folder(tmp_path / "one", [place]) != root_folder(tmp_path / "two", [place])
