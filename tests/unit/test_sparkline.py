"""Lines without axes: all values lie inside, the highest on top."""

from hypothesis import given
from hypothesis import strategies as st

from strategies.domain.sparkline import HEIGHT, MARGIN, WIDTH, points


def pairs(values: list[int]) -> list[tuple[float, float]]:
    """Return the points as numbers."""
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points(values).split())]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=2, max_size=200))
def test_every_value_lies_inside_the_box_the_highest_on_top_and_the_lowest_at_the_bottom(values: list[int]) -> None:
    found = pairs(values)
    assert [found[0][0], found[-1][0]] == [MARGIN, WIDTH - MARGIN]
    assert all(MARGIN <= y <= HEIGHT - MARGIN for _, y in found)
    if len(set(values)) > 1:
        assert found[values.index(max(values))][1] == MARGIN
        assert found[values.index(min(values))][1] == HEIGHT - MARGIN


def test_nothing_is_drawn_of_less_than_two_and_a_level_line_of_equal_ones() -> None:
    assert (points([]), points([5])) == ("", "")
    assert {y for _, y in pairs([7, 7, 7])} == {HEIGHT / 2}
