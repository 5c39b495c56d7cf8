"""LOC records that can be published: places on Earth that the primary writes back as they are (RFC 1876)."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.zones.data_location import LOC, MIDDLE, SEA_LEVEL
from tenants.formats.zones.rules_names import Refusal

__all__ = ["location_refusals"]

_DEGREE = 3_600_000


def location_refusals(data: LOC) -> Iterator[Refusal]:
    """Yield why a place cannot be published."""
    for value, name, most in ((data.latitude, "latitude", 90), (data.longitude, "longitude", 180)):
        if abs(value - MIDDLE) > most * _DEGREE:
            yield (f"The {name} is beyond {most} degrees.", "Correct degrees, minutes and seconds.")
    if not 0 <= data.altitude < 2**32:
        yield ("The altitude is out of range.", "Give metres above sea level, from -100000 to 42849672.")
    elif data.altitude < SEA_LEVEL and data.altitude % 100:
        yield (
            "The primary cannot write centimetres of a height below sea level; it would stop.",
            "Round the altitude to whole metres.",
        )
    if any(value >> 4 > 9 or value & 15 > 9 for value in (data.size, data.horizontal, data.vertical)):
        yield ("Size or precision is not a digit followed by zeros.", "Round it, for example to 10m or 300m.")
