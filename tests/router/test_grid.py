"""Where a complaint lies: by words, by coordinates, by both."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from town import CITY, ENTERPRISE, SUPERVISION, boundaries, geojson, point_in, settings, written_settings

from domain.complaint import Point
from router.grid import Boundaries, Found, TownGrid
from router.settings import PlaceSettings, RouterSettings, words_of

OUTSIDE = Point(121.5, 32.0)


def grid(*, schematic: bool = True, town: RouterSettings | None = None) -> TownGrid:
    return TownGrid((town or settings()).territory, boundaries(schematic=schematic))


def code(found: Found) -> str | None:
    return found.place.code if found.place else None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("石桥菜场", "001"),
        ("石桥社区", "001"),
        ("石桥", "001"),
        ("石桥居委会", "001"),
        ("临河路", "001"),
        ("柳塘村", "002"),
        ("柳塘村委会", "002"),
        ("云岭工业园", "003"),
        ("青石镇", None),
        ("不知何处", None),
    ],
)
def test_a_place_is_found_by_its_words(word: str, expected: str | None) -> None:
    assert code(grid().find((word,), None)) == expected


def test_the_first_word_that_tells_counts() -> None:
    assert code(grid().find(("青石镇", "柳塘新村", "石桥"), None)) == "002"


@pytest.mark.parametrize("place", ["001", "002", "003"])
@pytest.mark.parametrize("schematic", [True, False])
def test_a_place_is_found_by_its_coordinates(place: str, schematic: bool) -> None:
    found = grid(schematic=schematic).find((), point_in(place))
    assert code(found) == place
    assert "依据坐标" in found.why


def test_words_win_over_schematic_boundaries_and_the_contradiction_is_told() -> None:
    found = grid().find(("石桥菜场",), point_in("003"))
    assert code(found) == "001"
    assert found.why == "责任地：石桥社区，依据地名“石桥菜场”（坐标落在云岭村的示意边界内，边界为示意，以地名为准）"


def test_surveyed_boundaries_win_over_words_and_the_contradiction_is_told() -> None:
    found = grid(schematic=False).find(("石桥菜场",), point_in("003"))
    assert code(found) == "003"
    assert found.why == "责任地：云岭村，依据坐标（文中地名“石桥菜场”指向石桥社区，以坐标为准）"


def test_where_they_agree_nothing_more_is_said() -> None:
    assert grid().find(("石桥菜场",), point_in("001")).why == "责任地：石桥社区，依据地名“石桥菜场”"
    assert grid(schematic=False).find(("石桥菜场",), point_in("001")).why == "责任地：石桥社区，依据坐标"


def test_a_point_outside_leaves_the_words() -> None:
    assert code(grid(schematic=False).find(("石桥菜场",), OUTSIDE)) == "001"
    found = grid().find((), OUTSIDE)
    assert (code(found), "坐标不在本镇网格内" in found.why) == (None, True)


def test_a_word_that_names_two_places_locates_nothing_and_says_so() -> None:
    written = written_settings()["territory"]
    written["places"][1]["words"].append("老街")
    written["places"][2]["words"].append("老街")
    town = settings(territory=written)
    assert grid(town=town).find(("老街",), None).why == "地名“老街”对应多个村社区，未能定位到责任网格"
    assert code(grid(town=town).find(("老街", "云岭"), None)) == "003"
    assert code(grid(town=town).find(("老街",), point_in("002"))) == "002"


def test_nothing_tells_where() -> None:
    assert grid().find((), None) == Found(None, "没有可识别的地名和坐标，未能定位到责任网格")


def test_a_shared_edge_belongs_to_one_place_always_the_same() -> None:
    edge = Point(120.70, 31.05)
    there = boundaries().place_at(edge)
    assert there == "001"
    assert boundaries(codes=("003", "002", "001")).place_at(edge) == there


def test_a_polygon_of_a_place_that_is_gone_locates_nothing() -> None:
    town = TownGrid(settings().territory, boundaries(codes=("001", "002", "003", "999")))
    assert code(town.find((), Point(120.95, 0.0 + 31.05))) is None


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_any_numbers_may_come_as_a_point(longitude: float, latitude: float) -> None:
    assert code(grid(schematic=False).find((), Point(longitude, latitude))) in {None, "001", "002", "003"}


def test_cells_and_their_posts() -> None:
    town = grid()
    places = {one.code: one for one in settings().territory.places}
    assert town.cell(CITY, places["002"]) == "cg-002"
    assert town.cell(SUPERVISION, places["002"]) == ""
    of_cell, of_area = town.posts(CITY, places["002"]), town.posts(CITY, places["001"])
    assert of_cell is not None
    assert of_area is not None
    assert (of_cell.owner, of_area.owner) == ("a2", "a3")  # the cell's own post before its area's
    assert town.posts(SUPERVISION, places["001"]) is None
    assert (town.cell_name("qy-003"), town.cell_name("qy-999")) == ("云岭村", "qy-999")
    assert [one.unit for one in town.grids][:2] == [CITY, ENTERPRISE]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[]",
        "null",
        "{}",
        '{"features": 3}',
        '{"features": [{}]}',
        '{"features": [{"properties": {"code": "001"}}]}',
        '{"features": [{"properties": {"code": "001"}, "geometry": null}]}',
        '{"features": [{"properties": {"code": "001"}, "geometry": {"type": "Polygon", "coordinates": [[[1, 2]]]}}]}',
        '{"features": [{"properties": {"code": "001"}, "geometry": {"type": "Circle", "coordinates": []}}]}',
    ],
)
def test_what_is_no_geojson_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="应为 GeoJSON 的 FeatureCollection"):
        Boundaries.read(text)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [120.6, 31.0]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},  # a bow tie
    ],
)
def test_a_boundary_is_a_sound_polygon(geometry: dict[str, object]) -> None:
    feature = {"type": "Feature", "properties": {"code": "001"}, "geometry": geometry}
    with pytest.raises(ValueError, match="代码 001 的边界不是完好的多边形"):
        Boundaries.read(json.dumps({"type": "FeatureCollection", "features": [feature]}))


def test_boundaries_are_read_from_geojson() -> None:
    assert Boundaries.read(json.dumps(geojson(schematic=False))).schematic is False
    assert Boundaries.read(json.dumps(geojson())).place_at(point_in("002")) == "002"


def test_a_place_with_the_towns_name_is_not_known_by_the_bare_name() -> None:
    place = PlaceSettings(code="001", name="青石社区", area="A1")
    assert words_of(place, "青石镇") == ("青石社区", "青石居委会")
    assert words_of(place, "白石镇") == ("青石社区", "青石居委会", "青石")


def test_the_model_is_given_every_word_that_names_a_place() -> None:
    assert settings().place_words >= {"石桥社区", "石桥", "石桥菜场", "柳塘村委会", "云岭工业园"}
