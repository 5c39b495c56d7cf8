"""LOC: where something stands on Earth (RFC 1876), held as its wire numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenants.formats.zones.data.simple import NameWriter

__all__ = ["LOC", "centimetres_of", "precision_of"]

MIDDLE = 1 << 31
"""Latitude and longitude count thousandths of an arc second from the equator and from Greenwich at 2^31."""
SEA_LEVEL = 10_000_000
"""Altitude counts centimetres from 100 km below the WGS 84 ellipsoid."""


@dataclass(frozen=True, slots=True)
class LOC:
    """A place: latitude and longitude in thousandths of an arc second from 2^31, altitude in centimetres
    from 100 km below sea level (each 32 bits); size and the two precisions as one byte each: a digit and
    a power of ten, in centimetres."""

    type: ClassVar[str] = "LOC"
    latitude: int
    longitude: int
    altitude: int
    size: int = 0x12
    horizontal: int = 0x16
    vertical: int = 0x13

    @property
    def order(self) -> tuple[int, ...]:
        return self.latitude, self.longitude, self.altitude, self.size, self.horizontal, self.vertical

    @property
    def writable(self) -> bool:
        """Whether the primary can write the record: centimetres of a height below zero stop it, unless there
        are fewer than ten, which it writes as something that nobody reads (`0.-5m`)."""
        height = self.altitude - SEA_LEVEL
        return height >= 0 or -height % 100 < 10

    def text(self, name: NameWriter) -> bytes:
        height = self.altitude - SEA_LEVEL
        lengths = (height, *map(centimetres_of, (self.size, self.horizontal, self.vertical)))
        angles = f"{_angle(self.latitude, 'NS')} {_angle(self.longitude, 'EW')}"
        return f"{angles} {' '.join(map(_metres, lengths))}".encode()


def centimetres_of(precision: int) -> int:
    """Return the length that a precision byte stands for, in centimetres."""
    digit, power = (precision >> 4) % 10, (precision & 15) % 10
    scale: int = 10**power
    return digit * scale


def precision_of(centimetres: int) -> int:
    """Return the precision byte for a length: its first digit and power of ten, the rest cut off; the
    primary's own for a length below nothing."""
    if centimetres <= 0:
        return centimetres << 4 & 0xFF
    exponent = min(len(str(centimetres)) - 1, 9)
    scale: int = 10**exponent
    return min(centimetres // scale, 9) << 4 | exponent


def _angle(value: int, directions: str) -> str:
    offset = value - MIDDLE
    seconds, thousandths = divmod(abs(offset), 1000)
    minutes, seconds = divmod(seconds, 60)
    degrees, minutes = divmod(minutes, 60)
    return f"{degrees} {minutes} {_decimal(seconds, thousandths, 3)} {directions[offset < 0]}"


def _metres(centimetres: int) -> str:
    whole, fraction = divmod(abs(centimetres), 100)
    if centimetres < 0:
        sign = "-" if whole else ""
        return f"{sign}{whole}.-{fraction}m" if fraction else f"{sign}{whole}m"
    return f"{_decimal(whole, fraction, 2)}m"


def _decimal(whole: int, fraction: int, digits: int) -> str:
    return f"{whole}.{fraction:0{digits}d}".rstrip("0").rstrip(".")
