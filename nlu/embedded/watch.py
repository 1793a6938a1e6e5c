"""An engine whose model can be changed under it: a running service takes a new version without losing a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.understanding import Engine, Evidence, Understanding
from nlu.embedded.model import Model
from nlu.models import ModelShelf


class WatchingEngine:
    """`domain.understanding.Engine` that speaks with the shelf's current version.

    A call runs to its end with the engine that it began with; the next one meets the new engine.
    """

    def __init__(self, shelf: ModelShelf, engine: Engine, build: Callable[[Model], Engine]) -> None:
        """`engine`: what to begin with; `build`: makes an engine of a newly loaded model."""
        self._shelf = shelf
        self._engine = engine
        self._build = build
        self._seen = self._stamp()

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def version(self) -> str:
        return self._engine.version

    async def understand(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        """One `Understanding` for each text, in order."""
        return await self._engine.understand(texts)

    def reload_if_changed(self) -> bool:
        """Load the version that the pointer names when it has been switched; True when a new engine took over.

        Cheap when nothing changed (one look at a file's time); else it takes as long as loading does, so call it in a
        thread. Raises UnreadableModel when the new version cannot be read, and ValueError when it does not fit the
        tree; the old engine then goes on, and the same version is not tried again.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        version = self._shelf.current()
        if version is None or version == self._engine.version:
            return False
        self._engine = self._build(self._shelf.load(version))
        return True

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._shelf.pointer.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
