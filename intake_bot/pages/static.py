"""What pages load beside their HTML: our own styles and scripts, and the libraries that npm put beside them.

Each file is served under an address that holds its content's fingerprint, so that browsers keep it for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import structlog
from aiohttp import web

from intake_bot.api.problems import not_found

log = structlog.get_logger()

FOLDER = Path(__file__).parent
OWN = FOLDER / "static"
MODULES = FOLDER / "node_modules"
LIBRARIES = {
    "vendor/htmx.js": "htmx.org/dist/htmx.min.js",
    "vendor/echarts.js": "echarts/dist/echarts.min.js",
    "vendor/leaflet/leaflet.js": "leaflet/dist/leaflet.js",
    "vendor/leaflet/leaflet.css": "leaflet/dist/leaflet.css",
    "vendor/leaflet/images/layers.png": "leaflet/dist/images/layers.png",
    "vendor/leaflet/images/layers-2x.png": "leaflet/dist/images/layers-2x.png",
    "vendor/leaflet/images/marker-icon.png": "leaflet/dist/images/marker-icon.png",
    "vendor/leaflet/images/marker-icon-2x.png": "leaflet/dist/images/marker-icon-2x.png",
    "vendor/leaflet/images/marker-shadow.png": "leaflet/dist/images/marker-shadow.png",
}
"""The only files of `node_modules` that are served, by the name that pages use."""
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_IMPORT = re.compile(rb'((?:from|import)\s*\(?\s*")\./([\w.-]+\.js)"')
"""A script's mention of another of the same folder."""
_FOR_EVER = "public, max-age=31536000, immutable"
_SMALL = 1_000
"""Bytes below which compression is not worth it."""


@dataclass(frozen=True)
class Asset:
    """One file, read once. `name` is its path under `/static/`."""

    name: str
    content: bytes
    type: str

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:12]

    @cached_property
    def zipped(self) -> bytes | None:
        """The content as it travels, made when it is asked for the first time; None for what does not get smaller."""
        if self.type.startswith("image/png") or len(self.content) < _SMALL:
            return None
        return gzip.compress(self.content, 6, mtime=0)


class Assets:
    """Every file that pages may load, by name."""

    def __init__(self) -> None:
        self._files = _linked({one.name: one for one in _read()})

    def url(self, name: str) -> str:
        """The address of a file for a page. Raises KeyError for a name that does not exist."""
        found = self._files.get(name)
        if found is None and name in LIBRARIES:
            return f"/static/{name}"  # not installed; the page works without it and the log said so at the start
        return f"/static/{name}?v={self._files[name].fingerprint}"

    def answer(self, request: web.Request) -> web.Response:
        """Serve the file that the address names. Raises `Problem` 404."""
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise not_found(f"没有这个文件：{request.match_info['name']}")
        return served(request, found, _FOR_EVER if request.query.get("v") == found.fingerprint else "no-cache")


def served(request: web.Request, asset: Asset, kept: str) -> web.Response:
    """A file as it travels: small where the browser can unpack it, not at all where it has it. `kept`: how long it may."""
    headers = {
        "ETag": f'"{asset.fingerprint}"',
        "Cache-Control": kept,
        "Vary": "Accept-Encoding",
        "Content-Type": asset.type,
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers={name: headers[name] for name in ("ETag", "Cache-Control", "Vary")})
    body = asset.content
    if asset.zipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = asset.zipped
    return web.Response(body=body, headers=headers)


def _linked(files: dict[str, Asset]) -> dict[str, Asset]:
    """The files, with scripts that name one another by the very addresses that pages use: a script named in two ways would
    run twice on one page. Raises KeyError for a script that is not there, RecursionError for two that name each other."""
    linked: dict[str, Asset] = {}

    def link(name: str) -> Asset:
        if name not in linked:
            folder = name.rpartition("/")[0]

            def address(found: re.Match[bytes]) -> bytes:
                other = link(f"{folder}/{found[2].decode()}")
                return found[1] + f'/static/{other.name}?v={other.fingerprint}"'.encode()

            one = files[name]
            linked[name] = replace(one, content=_IMPORT.sub(address, one.content))
        return linked[name]

    own_scripts = {name for name in files if name.startswith("js/")}
    return files | {name: link(name) for name in sorted(own_scripts)}


def _read() -> Iterator[Asset]:
    for path in sorted(OWN.rglob("*")):
        if path.is_file():
            yield Asset(path.relative_to(OWN).as_posix(), path.read_bytes(), TYPES[path.suffix])
    missing = []
    for name, place in LIBRARIES.items():
        path = MODULES / place
        if path.is_file():
            yield Asset(name, path.read_bytes(), TYPES[path.suffix])
        else:
            missing.append(place)
    if missing:
        log.warning("page_libraries_missing", do="make run", missing=missing)
