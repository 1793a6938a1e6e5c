"""Positions: reading what platforms write, and GCJ-02 (the maps sold in China) turned into WGS-84."""

from __future__ import annotations

import math
import re

from adapters.problems import quoted, type_name, unfit
from domain.complaint import Point

LONGITUDES = (73.0, 135.5)
LATITUDES = (3.0, 54.0)
"""China's extent in degrees, islands included. The two do not overlap, so a swapped pair can be told."""

_AXIS = 6378245.0  # Krasovsky 1940: the ellipsoid that the GCJ-02 offset is defined on
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_SEPARATORS = re.compile(r"[,，;；\s]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,5}(?:\.[0-9]{1,20})?")


def degrees(value: object) -> float:
    """One coordinate, a number or its text; raises `Unfit`."""
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip()):
        return float(text)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 100_000:
        return float(value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        raise unfit(f"{quoted(value)}不是以度为单位的坐标，应为 120.62 这样的数字", "format")
    raise unfit(f"应为数字，收到的是{type_name(value)}", "type")


def pair(value: object) -> tuple[float, float]:
    """Two coordinates in one text, `120.62,31.76`; raises `Unfit`."""
    if not isinstance(value, str):
        raise unfit(f"应为“120.62,31.76”这样的文字，收到的是{type_name(value)}", "type")
    parts = _SEPARATORS.split(value.strip())
    if len(parts) != 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise unfit(f"{quoted(value)}不是一对坐标，应为“120.62,31.76”这样的两个数字", "format")
    return float(parts[0]), float(parts[1])


def located(longitude: float, latitude: float) -> tuple[float, float] | None:
    """A pair in the order (longitude, latitude), swapped back where the sender swapped it; None for the empty 0, 0.

    Raises `Unfit` when neither order lies in China.
    """
    if longitude == 0 and latitude == 0:
        return None
    for east, north in ((longitude, latitude), (latitude, longitude)):
        if LONGITUDES[0] <= east <= LONGITUDES[1] and LATITUDES[0] <= north <= LATITUDES[1]:
            return east, north
    raise unfit(
        f"坐标（经度 {longitude:g}，纬度 {latitude:g}）不在中国范围内，经度应在 73 至 135 之间，纬度应在 3 至 54 之间",
        "range",
    )


def to_point(longitude: float, latitude: float, *, gcj02: bool) -> Point:
    """The WGS-84 point of a position in the channel's own system."""
    return from_gcj02(longitude, latitude) if gcj02 else Point(longitude, latitude)


def from_gcj02(longitude: float, latitude: float) -> Point:
    """The WGS-84 position whose GCJ-02 image is given, to well under a millimetre.

    The shift has no closed inverse; it changes so slowly that subtracting it again and again converges at once.
    """
    east, north = longitude, latitude
    for _ in range(6):
        image = to_gcj02(east, north)
        east, north = east - (image[0] - longitude), north - (image[1] - latitude)
    return Point(round(east, 8), round(north, 8))


def to_gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """The GCJ-02 image of a WGS-84 position, by the published formula."""
    x, y = longitude - 105.0, latitude - 35.0
    root = math.sqrt(abs(x))
    shared = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + shared
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + shared
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    radians = math.radians(latitude)
    magic = 1.0 - _ECCENTRICITY_SQUARED * math.sin(radians) ** 2
    north = north * 180.0 / (_AXIS * (1.0 - _ECCENTRICITY_SQUARED) / (magic * math.sqrt(magic)) * math.pi)
    east = east * 180.0 / (_AXIS / math.sqrt(magic) * math.cos(radians) * math.pi)
    return longitude + east, latitude + north
