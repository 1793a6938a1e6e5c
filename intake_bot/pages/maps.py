"""The town as maps on the pages draw it: the outline of each village and community, with its name and area."""

from __future__ import annotations

from aiohttp import web
from shapely.geometry import mapping

from intake_bot.api.routes import Route, house_of, json_answer


def map_route() -> Route:
    """The one route of this module. Outlines of villages are public; who is on duty there is not in it."""
    return Route("GET", "/map/cells.geojson", cells, "村、社区的边界（GeoJSON）", "pages")


async def cells(request: web.Request) -> web.Response:
    house = house_of(request)
    territory, boundaries = house.settings.router.territory, house.deployment.boundaries
    areas = {area.code: area.name for area in territory.areas}
    places = {place.code: place for place in territory.places}
    features = [
        {
            "type": "Feature",
            "properties": {
                "code": code,
                "name": places[code].name,
                "area": places[code].area,
                "area_name": areas[places[code].area],
            },
            "geometry": mapping(polygon),
        }
        for code, polygon in zip(boundaries.codes, boundaries.polygons, strict=True)
        if code in places
    ]
    return json_answer(
        {"type": "FeatureCollection", "schematic": boundaries.schematic, "features": features},
        headers={"Cache-Control": "public, max-age=3600", "Content-Type": "application/geo+json"},
    )
