"""The circuit breaker, with a clock of the test's own."""

from itertools import product

import pytest

from streaming.domain.circuit import CircuitBreaker


def broken(now: float = 0.0) -> CircuitBreaker:
    """Return one that has just opened."""
    breaker = CircuitBreaker(failures=3, rest=30.0)
    for _ in range(3):
        assert breaker.allow(now)
        breaker.failed(now)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker(failures=3, rest=30.0)
    for _ in range(2):
        breaker.failed(0.0)
    assert breaker.allow(0.0)
    breaker.failed(0.0)
    assert not breaker.allow(0.0)
    assert breaker.state(0.0) == "open"


def test_a_success_between_them_forgets_failures() -> None:
    breaker = CircuitBreaker(failures=3, rest=30.0)
    for _ in range(20):
        breaker.failed(0.0)
        breaker.failed(0.0)
        breaker.succeeded()
        assert breaker.allow(0.0)


@pytest.mark.parametrize(("now", "allowed"), [(0.0, False), (29.9, False), (30.0, True), (1e6, True)])
def test_it_rests_and_then_lets_one_through(now: float, allowed: bool) -> None:
    breaker = broken()
    assert breaker.wait(now) == max(0.0, 30.0 - now)
    assert breaker.allow(now) == allowed
    assert not breaker.allow(now)


def test_the_probes_success_closes_it() -> None:
    breaker = broken()
    assert breaker.allow(31.0)
    breaker.succeeded()
    assert all(breaker.allow(31.0) for _ in range(10))
    assert breaker.state(31.0) == "closed"


def test_the_probes_failure_opens_it_for_as_long_again() -> None:
    breaker = broken()
    assert breaker.allow(31.0)
    breaker.failed(40.0)
    assert not breaker.allow(69.9)
    assert breaker.allow(70.0)


def test_a_probe_that_never_ends_is_given_up() -> None:
    breaker = broken()
    assert breaker.allow(31.0)
    assert [breaker.allow(now) for now in (32.0, 60.9, 61.0)] == [False, False, True]


def test_at_most_one_call_passes_in_a_rest_while_all_fail() -> None:
    for failures, rest in product((1, 4), (5.0, 30.0)):
        breaker = CircuitBreaker(failures=failures, rest=rest)
        passed = 0
        for second in range(300):
            if breaker.allow(float(second)):
                passed += 1
                breaker.failed(float(second))
        assert passed <= failures + 300 / rest
