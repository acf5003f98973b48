"""The budgets of CONTRIBUTING.md, measured over every Python file of the repository except migrations."""

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MEDIAN_LINES, P95_LINES, MAX_LINES = 8, 40, 60
FILE_LINES, TEST_FILE_LINES = 350, 500


class Function(NamedTuple):
    """One function definition: where it stands, its length in lines, whether its return type is written."""

    place: str
    lines: int
    typed: bool


@cache
def python_files() -> tuple[Path, ...]:
    """Return the files git knows or would add; skips where this is no checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listing = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip(f"not a git checkout: {listing.stderr.strip()}")
    paths = (REPOSITORY / name for name in listing.stdout.splitlines())
    return tuple(path for path in paths if path.exists() and "migrations" not in path.parts)


@cache
def functions() -> tuple[Function, ...]:
    """Return every function of the repository."""
    return tuple(found for path in python_files() for found in functions_of(path))


def functions_of(path: Path) -> list[Function]:
    """Return the functions of one file, nested ones and methods included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = path.relative_to(REPOSITORY)
    return [
        Function(f"{name}:{node.lineno} {node.name}", length_of(node), node.returns is not None)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def length_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from `def` to the last statement."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def sorted_lengths() -> list[int]:
    """Return all function lengths, shortest first."""
    return sorted(function.lines for function in functions())


def test_half_of_the_functions_have_at_most_8_lines() -> None:
    lengths = sorted_lengths()
    assert lengths[len(lengths) // 2] <= MEDIAN_LINES


def test_95_percent_of_the_functions_have_at_most_40_lines() -> None:
    lengths = sorted_lengths()
    assert lengths[int(len(lengths) * 0.95)] <= P95_LINES


def test_no_function_is_longer_than_60_lines() -> None:
    assert [function for function in functions() if function.lines > MAX_LINES] == []


def test_every_function_says_what_it_returns() -> None:
    assert [function.place for function in functions() if not function.typed] == []


def test_no_file_is_longer_than_its_budget() -> None:
    lengths = {path.relative_to(REPOSITORY): len(path.read_text("utf-8").splitlines()) for path in python_files()}
    budgets = {name: TEST_FILE_LINES if name.parts[0] == "tests" else FILE_LINES for name in lengths}
    assert {name: length for name, length in lengths.items() if length > budgets[name]} == {}
