"""The recorded market data, which is not part of the repository: tests that need it are skipped without."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_data_folder() -> Path:
    """Return the folder of the recordings: $SHARED_DATA, else `shared/data` beside the repository."""
    return Path(os.environ.get("SHARED_DATA") or REPOSITORY.parent / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the recordings; skips the test where there is none."""
    folder = shared_data_folder()
    if not folder.is_dir():
        pytest.skip(f"no recorded market data in {folder} (SHARED_DATA)")
    return folder
