"""A line of values without axes, as the points of an SVG polyline."""

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 120, 24, 2


def points(values: Sequence[int]) -> str:
    """Return `x,y x,y …` in WIDTH × HEIGHT, the highest value at the top; a level line for equal ones, "" below two."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    across, up = (WIDTH - 2 * MARGIN) / (len(values) - 1), HEIGHT - 2 * MARGIN
    heights = [(high - value) / (high - low) if high > low else 0.5 for value in values]
    return " ".join(f"{MARGIN + place * across:.1f},{MARGIN + height * up:.1f}" for place, height in enumerate(heights))
