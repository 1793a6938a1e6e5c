"""Starts a Rasa server beside the service and watches it: ready, dead, started again, ended with the service.

Meanwhile `nlu.rasa_engine` answers with the embedded engine. Not: the engine itself, and training.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import resource
import secrets
import signal
import socket
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import aiohttp
import structlog

from domain.category import CategoryTree
from domain.understanding import Engine
from nlu.fallback import FIRST_WAIT, LONGEST_WAIT
from nlu.rasa.installation import ENVIRONMENT, bounded_environment, is_installed, python_of
from nlu.rasa.shelf import MODELS, RasaShelf
from nlu.rasa_engine import Peer, RasaEngine, RasaSettings

log = structlog.get_logger()

LONGEST_START = 180.0
"""Seconds after which a server that is not ready yet is ended and started again."""

STEADY = 60.0
"""Seconds that a server must have been ready for before its death counts as the first one again."""

_FINAL = (HTTPStatus.OK, HTTPStatus.CONFLICT)
"""Rasa listens when it has tried to load its model: then it has one, or says that it has none."""

_LOOKS_APART = 0.5
_GRACE = 5.0
_LAST_WORDS = 15
_SERVE = Path(__file__).parent / "rasa" / "serve.py"


class NotBuilt(Exception):
    """The Rasa engine is asked for but has no environment or no model; the message says what to do, in Chinese."""


class RasaServer:
    """One Rasa server on a free loopback port, kept alive until `stop`."""

    def __init__(
        self, model: Callable[[], Path], session: aiohttp.ClientSession, environment: Path = ENVIRONMENT
    ) -> None:
        """`model`: the model file to start with, asked at each start."""
        self._model = model
        self._session = session
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._peer: Peer | None = None
        self._watch: asyncio.Task[None] | None = None
        self._became_ready = asyncio.Event()
        self._ready_since = math.inf
        self._starts = 0

    @property
    def peer(self) -> Peer | None:
        """Where the server answers; None while it is starting or dead."""
        return self._peer

    @property
    def starts(self) -> int:
        """How often it has been started."""
        return self._starts

    @property
    def process_id(self) -> int | None:
        """The server's process, which leads a process group of its own; None when there is none now."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Begin to start and watch the server in the background."""
        self._watch = asyncio.create_task(self._keep_alive(), name="rasa server")

    async def stop(self) -> None:
        """End the watch and the server, its whole process group."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch

    async def ready(self) -> Peer:
        """Wait until it answers; without end when it never does."""
        while True:
            await self._became_ready.wait()
            if self._peer is not None:
                return self._peer

    def megabytes(self) -> float:
        """Memory that the server has resident now; 0 when there is none."""
        if self._process is None:
            return 0.0
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return 0.0
        return pages * resource.getpagesize() / 1e6

    async def _keep_alive(self) -> None:
        wait = FIRST_WAIT
        while True:
            self._ready_since = math.inf
            try:
                said = await self._live()
            except OSError as error:
                said = str(error)
            wait = FIRST_WAIT if time.monotonic() - self._ready_since > STEADY else wait
            log.warning("rasa server ended, starting it again", in_seconds=wait, said=said)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _live(self) -> str:
        """One life of the server, from start to end; what it said last."""
        with tempfile.TemporaryDirectory(prefix="rasa-server-", ignore_cleanup_errors=True) as folder:
            return await self._live_in(Path(folder))

    async def _live_in(self, folder: Path) -> str:
        port, token = free_port(), secrets.token_urlsafe(24)
        process = await asyncio.create_subprocess_exec(
            str(python_of(self._environment)),
            str(_SERVE),
            str(self._model().resolve()),
            str(port),
            cwd=folder,  # Rasa reads an endpoints file where it stands; there is none here
            env=bounded_environment(folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._process = process
        self._starts += 1
        assert process.stdin is not None
        assert process.stdout is not None
        last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        listening = asyncio.create_task(_listen(process.stdout, last_words))
        becoming_ready = asyncio.create_task(self._become_ready(process, Peer(f"http://127.0.0.1:{port}", token)))
        try:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(token.encode() + b"\n")
                await process.stdin.drain()
            await process.wait()
        finally:
            self._peer = None
            self._became_ready.clear()
            becoming_ready.cancel()
            await _end_group(process)
            self._process = None
            listening.cancel()
            await asyncio.gather(becoming_ready, listening, return_exceptions=True)
        return "\n".join(last_words)

    async def _become_ready(self, process: asyncio.subprocess.Process, peer: Peer) -> None:
        """Look until the server answers; end one that does not, or that could not load its model."""
        begin = time.monotonic()
        status = 0
        while status not in _FINAL and time.monotonic() - begin < LONGEST_START:
            await asyncio.sleep(_LOOKS_APART)
            status = await self._status(peer)
        seconds = round(time.monotonic() - begin, 1)
        if status == HTTPStatus.OK:
            self._peer = peer
            self._ready_since = time.monotonic()
            self._became_ready.set()
            log.info("rasa server ready", seconds=seconds)
        else:
            log.warning("rasa server has not become ready", status=status, seconds=seconds)
            _signal_group(process.pid, signal.SIGKILL)

    async def _status(self, peer: Peer) -> int:
        """What the server answers when asked for its state; 0 when it does not answer."""
        try:
            async with (
                asyncio.timeout(5.0),
                self._session.get(f"{peer.url}/status", params={"token": peer.token}) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0


@asynccontextmanager
async def open_rasa(
    helper: Engine,
    tree: CategoryTree,
    settings: RasaSettings,
    *,
    models: Path = MODELS,
    environment: Path = ENVIRONMENT,
) -> AsyncIterator[RasaEngine]:
    """The Rasa engine, with `helper` (the embedded one) answering while Rasa cannot.

    Without `settings.url` a server is started in the background and ended on leaving; the engine is usable at once.
    Raises NotBuilt when there is nothing to start.
    """
    shelf = RasaShelf(models)
    connector = aiohttp.TCPConnector(limit=settings.connections + 1, keepalive_timeout=2.0)
    # Rasa hangs up on a connection after 5 idle seconds: do not be the second to notice. Time limits are the engine’s.
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        if settings.url:
            fixed = Peer(settings.url, settings.token)
            yield RasaEngine(helper, tree, settings, session, lambda: fixed, shelf.calibration)
            return
        if not is_installed(environment) or shelf.current() is None:
            raise NotBuilt("nlu.engine 为 rasa，但 Rasa 的环境或模型尚未建立，请先运行 make rasa")
        server = RasaServer(shelf.current_file, session, environment)
        server.start()
        try:
            yield RasaEngine(helper, tree, settings, session, lambda: server.peer, shelf.calibration)
        finally:
            await server.stop()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def _listen(stream: asyncio.StreamReader, last_words: deque[str]) -> None:
    """Keep the last lines that the server said, and its pipe empty."""
    while part := await stream.read(4096):
        last_words.extend(part.decode("utf-8", "replace").splitlines())


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End the server and whatever it started: kindly, then not."""
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(process_id: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process_id, number)
