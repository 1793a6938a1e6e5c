"""The town as maps on the pages draw it: the outline of each village and community, with its name and area."""

from __future__ import annotations

import msgspec
from aiohttp import web
from shapely.geometry import mapping

from intake_bot.api.routes import Route
from intake_bot.house import House
from intake_bot.pages.static import Asset, served

OUTLINES: web.AppKey[Asset] = web.AppKey("outlines", Asset)


def map_route() -> Route:
    """The one route of this module. Outlines of villages are public; who is on duty there is not in it."""
    return Route("GET", "/map/cells.geojson", cells, "村、社区的边界（GeoJSON）", "pages")


async def cells(request: web.Request) -> web.Response:
    return served(request, request.app[OUTLINES], "public, max-age=3600")


def outlines(house: House) -> Asset:
    """The file of the outlines; they change with the configuration only, so it is written once."""
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
    drawn = {"type": "FeatureCollection", "schematic": boundaries.schematic, "features": features}
    return Asset("cells.geojson", msgspec.json.encode(drawn), "application/geo+json")
