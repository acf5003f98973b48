"""Machine code of the pricing loops: kept on disk where that is possible, working where it is not."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def output_of(program: str, **environment: str) -> str:
    """What a new Python process prints."""
    command = [sys.executable, "-c", program]
    environment["PYTHONPATH"] = str(REPOSITORY)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_a_second_process_loads_the_machine_code_from_disk(tmp_path: Path) -> None:
    program = (
        "from fo_analytics.domain.pricing import price, kernels\n"
        "price(100.0, 100.0, 1.0, 0.2, True)\n"
        "print(sum(kernels.price_loop.stats.cache_hits.values()))"
    )
    assert [output_of(program, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)] == ["0", "1"]


def test_where_no_disk_takes_a_cache_the_loops_still_compile() -> None:
    program = (
        "import numba.core.caching as caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from fo_analytics.domain.pricing import price\n"
        "print(float(price(100.0, 100.0, 1.0, 0.2, True)))"
    )
    assert float(output_of(program)) == pytest.approx(7.965567455405804, rel=1e-12)
