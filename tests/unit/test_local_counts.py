"""What a process counts by itself while Redis is away, and what it remembers of paths: both are bounded."""

from accounts.gate import rules
from accounts.gate.quota import LocalCounts


class Few(LocalCounts):
    """Has room for three."""

    MOST = 3


def test_everybody_has_a_count_of_their_own_in_every_window() -> None:
    counts = Few()
    assert [counts.count("a", 60, 120.0)[0] for _ in range(3)] == [1, 2, 3]
    assert counts.count("b", 60, 121.0) == (1, 59_000)
    assert counts.count("a", 60, 180.0) == (1, 60_000)


def test_beyond_its_room_whoever_comes_new_shares_one_count_and_those_who_are_in_keep_theirs() -> None:
    counts = Few()
    for name in "abc":
        counts.count(name, 60, 120.0)
    assert [counts.count(f"flood {n}", 60, 121.0)[0] for n in range(1_000)] == list(range(1, 1_001))
    assert counts.count("a", 60, 122.0)[0] == 2
    assert len(counts._counts) == Few.MOST + 1


def test_the_room_of_an_ended_window_is_given_to_who_comes_in_the_next() -> None:
    counts = Few()
    for n in range(1_000):
        counts.count(f"flood {n}", 60, 120.0)
    assert [counts.count(name, 60, 180.0)[0] for name in ("x", "y", "x")] == [1, 1, 2]
    assert len(counts._counts) <= Few.MOST


def test_a_full_count_is_searched_for_ended_windows_once_a_window() -> None:
    counts = Few()
    for name in "abc":
        counts.count(name, 60, 120.0)
    held = counts._counts
    for n in range(100):
        counts.count(f"flood {n}", 60, 121.0 + n / 100)
    rebuilt = counts._counts
    counts.count("another", 60, 150.0)
    assert rebuilt is not held
    assert counts._counts is rebuilt


def test_long_paths_are_resolved_and_not_remembered() -> None:
    rules._kept_route.cache_clear()
    assert rules.route_of("/strategies/7") == "/strategies/<int:pk>"
    assert rules.route_of("/fo/" + "x" * rules.LONGEST_KEPT_PATH) == "unmatched"
    assert rules.route_of("/static/" + "x" * rules.LONGEST_KEPT_PATH) == "/static/*"
    assert rules._kept_route.cache_info().currsize == 1
