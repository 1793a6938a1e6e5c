"""The three grids over the town: which cell a complaint lies in, by place words or by coordinates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
import shapely.errors
from shapely.geometry import shape

from domain.complaint import Point
from router.settings import GridSettings, PlaceSettings, Posts, Territory, words_of


@dataclass(frozen=True, slots=True)
class Found:
    """A place, and in words how it was found. `place` None: nothing tells where."""

    place: PlaceSettings | None
    why: str


class Boundaries:
    """The polygons of the places. `schematic` ones only stand in until the bureau's survey replaces them."""

    def __init__(self, geojson: Mapping[str, Any]) -> None:
        self.schematic = bool(geojson.get("schematic", False))
        self.codes = [str(feature["properties"]["code"]) for feature in geojson["features"]]
        self.polygons = [shape(feature["geometry"]) for feature in geojson["features"]]
        self._tree = shapely.STRtree(self.polygons)

    @classmethod
    def read(cls, text: str) -> Boundaries:
        """From the text of a GeoJSON FeatureCollection. Raises ValueError, in Chinese, for anything else."""
        try:
            boundaries = cls(json.loads(text))
        except (ValueError, AttributeError, KeyError, TypeError, IndexError, shapely.errors.ShapelyError) as error:
            raise ValueError(
                "应为 GeoJSON 的 FeatureCollection，每个 feature 要有 properties.code 和多边形 geometry"
            ) from error
        for code, polygon in zip(boundaries.codes, boundaries.polygons, strict=True):
            if polygon.geom_type not in {"Polygon", "MultiPolygon"} or polygon.is_empty or not polygon.is_valid:
                raise ValueError(f"代码 {code} 的边界不是完好的多边形（Polygon 或 MultiPolygon，边线不能自相交）")
        return boundaries

    def place_at(self, point: Point) -> str | None:
        """The code of the place that a point lies in; None outside all of them."""
        hits = self._tree.query(shapely.Point(point.longitude, point.latitude), predicate="intersects")
        # On a shared edge the answer must not depend on how the tree happens to be built.
        return min((self.codes[int(hit)] for hit in hits), default=None)


class TownGrid:
    """Places, areas and the three grids, ready for look-ups."""

    def __init__(self, territory: Territory, boundaries: Boundaries) -> None:
        self._territory = territory
        self._boundaries = boundaries
        self._places = {place.code: place for place in territory.places}
        self._grids = {grid.unit: grid for grid in territory.grids}
        self._words: dict[str, list[str]] = {}
        for place in territory.places:
            for word in words_of(place, territory.town):
                self._words.setdefault(word, []).append(place.code)

    def find(self, words: Sequence[str], point: Point | None) -> Found:
        """The place of a complaint from its place words (most telling first) and coordinates.

        Surveyed boundaries win over words; schematic ones only speak where no word does.
        """
        named = self._named(words)
        located = self._boundaries.place_at(point) if point is not None else None
        if located not in self._places:
            located = None  # a polygon that `check` reports: the settings no longer know its place
        if located is not None and (named is None or not self._boundaries.schematic):
            place = self._places[located]
            return Found(place, f"责任地：{place.name}，依据坐标{self._beside(named, located)}")
        if named is not None:
            word, code = named
            place = self._places[code]
            return Found(place, f"责任地：{place.name}，依据地名“{word}”{self._beside_point(located, code)}")
        if point is not None:
            return Found(None, "坐标不在本镇网格内，也没有可识别的地名，未能定位到责任网格")
        unclear = [word for word in words if word in self._words]
        if unclear:
            return Found(None, f"地名“{unclear[0]}”对应多个村社区，未能定位到责任网格")
        return Found(None, "没有可识别的地名和坐标，未能定位到责任网格")

    def _named(self, words: Sequence[str]) -> tuple[str, str] | None:
        for word in words:
            codes = self._words.get(word, ())
            if len(codes) == 1:
                return word, codes[0]
        return None

    def _beside(self, named: tuple[str, str] | None, located: str) -> str:
        if named is None or named[1] == located:
            return ""
        return f"（文中地名“{named[0]}”指向{self._places[named[1]].name}，以坐标为准）"

    def _beside_point(self, located: str | None, code: str) -> str:
        if located is None or located == code:
            return ""
        return f"（坐标落在{self._places[located].name}的示意边界内，边界为示意，以地名为准）"

    def cell(self, unit: str, place: PlaceSettings) -> str:
        """The code of the cell that a unit's own grid has at a place; empty for a unit without a grid."""
        grid = self._grids.get(unit)
        return f"{grid.code}-{place.code}" if grid else ""

    def posts(self, unit: str, place: PlaceSettings) -> Posts | None:
        """Who owns a unit's cell at a place: the cell's own posts, else its area's."""
        grid = self._grids.get(unit)
        return (grid.cells.get(place.code) or grid.areas.get(place.area)) if grid else None

    def cell_name(self, code: str) -> str:
        place = self._places.get(code.rpartition("-")[2])
        return place.name if place else code

    @property
    def grids(self) -> Sequence[GridSettings]:
        return self._territory.grids
