"""How long ptt's primary answers nothing while it loads a repository of many zones. Pure."""

from __future__ import annotations

from itertools import pairwise

# Zones of 20 records in the real server's code, as a Unix process on a machine of two cores: seconds. After
# each zone it looks through all that it has, so twice as many take more than four times as long.
MEASURED = ((100, 0.04), (500, 0.67), (1000, 3.1), (2000, 15.0), (4000, 81.0))
MANY = 500


def load_seconds(zones: int) -> float:
    """Seconds between the measured numbers by a straight line; beyond the last by the square."""
    most, longest = MEASURED[-1]
    if zones >= most:
        return longest * (zones / most) ** 2
    for (few, short), (more, long) in pairwise(((0, 0.0), *MEASURED)):
        if zones <= more:
            return short + (long - short) * (zones - few) / (more - few)
    raise AssertionError("between two of them")


def load_warning(zones: int) -> str:
    """A sentence about a repository of so many zones; empty while they are few."""
    if zones < MANY:
        return ""
    seconds = load_seconds(zones)
    shown = f"{seconds:.1f} seconds" if seconds < 10 else f"{seconds:.0f} seconds"
    return (
        f"{zones:,} zones in one repository: the primary answers nobody for about {shown} when it starts and"
        " after each change, and twice as many take four times as long. Rookery tells it once for all zones"
        " of a commit. Keep further zones in another repository, with a primary of its own."
    )
