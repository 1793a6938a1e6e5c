"""Real Rasa: a small model is trained, served, asked, killed and started again. Skipped where its environment is missing."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import small_corpus

from domain.understanding import Engine, Evidence
from nlu.embedded.engine import EmbeddedEngine
from nlu.evaluation import judge_engine
from nlu.rasa.installation import is_installed
from nlu.rasa.shelf import RasaShelf, Record
from nlu.rasa.training import TrainingFailed, train_model
from nlu.rasa_engine import RasaEngine, RasaSettings
from nlu.rasa_server import NotBuilt, RasaServer, open_rasa
from nlu.training import Row

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="no Rasa environment (make rasa-environment, needs Python 3.10)"),
    pytest.mark.timeout(600),
]

PATIENT = RasaSettings(timeout_seconds=30.0)
READY = 240
"""Seconds to wait for a server on a busy machine before the test is given up."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> RasaShelf:
    """A shelf with a model of the small corpus, trained once for all workers of a test run."""
    shelf = RasaShelf(tmp_path_factory.getbasetemp().parent / f"rasa-{testrun_uid}")
    shelf.folder.mkdir(exist_ok=True)
    with (shelf.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if shelf.current() is None:
            trained = asyncio.run(train_model(small_corpus.rows(), ["恬庄", "占道经营"], shelf.file("small")))
            assert trained.megabytes > 100
            shelf.add("small", Record("small"))
    return shelf


async def answered_by_rasa(engine: Engine, text: str) -> None:
    """Wait until Rasa is the one that answers."""
    async with asyncio.timeout(READY):
        while (await engine.understand([(text, Evidence())]))[0].engine != "rasa":
            await asyncio.sleep(0.2)


def server_of(engine: RasaEngine) -> Path:
    """The process directory of the server that this test process has started."""
    children = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "serve.py"], capture_output=True, text=True, check=True
    )
    (one,) = children.stdout.split()
    return Path("/proc", one)


def is_running(number: str) -> bool:
    """Whether a process does anything still; a dead one that nobody has fetched does not."""
    try:
        return "\nState:\tZ" not in Path("/proc", number, "status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_real_server_is_asked_killed_started_again_and_ended(
    shelf: RasaShelf, small_engine: EmbeddedEngine
) -> None:
    tree, rows = small_corpus.tree(), small_corpus.rows()
    async with open_rasa(small_engine, tree, PATIENT, models=shelf.folder) as engine:
        (first,) = await engine.understand([(rows[0].text, Evidence())])
        assert first.engine == "embedded", "the service does not wait for Rasa to start"
        await answered_by_rasa(engine, rows[0].text)
        assert engine.version == "small"
        line = await judge_engine("Rasa", engine, rows, of_kind=False)
        assert line.measured.accuracy > 0.9
        found = await engine.understand([(text, Evidence()) for text in ("", "\ud800", "/C0101", "施" * 50_000, "🙂")])
        assert [one.engine for one in found[1:]] == ["rasa"] * 4

        process = server_of(engine)
        assert b"token" not in (process / "cmdline").read_bytes()
        os.killpg(int(process.name), signal.SIGKILL)
        asked = await asyncio.gather(*(engine.understand([(row.text, Evidence())]) for row in rows[:20]))
        assert {one.engine for (one,) in asked} <= {"rasa", "embedded"}
        async with asyncio.timeout(60):
            while (await engine.understand([(rows[0].text, Evidence())]))[0].engine != "embedded":
                await asyncio.sleep(0.01)
        await answered_by_rasa(engine, rows[0].text)
        last = server_of(engine)
        assert last != process
    assert not last.exists(), "the server ended with the engine"


async def test_a_server_without_the_token_says_nothing_and_dies_with_the_service(
    shelf: RasaShelf, tmp_path: Path
) -> None:
    """The service is a process of its own here, and is killed without a chance to tidy up. Its token looks like an option."""
    program = f"""
import asyncio, aiohttp, secrets
from pathlib import Path
from nlu.rasa_server import RasaServer
secrets.token_urlsafe = lambda size: "-t" + secrets.token_hex(size)
async def main():
    async with aiohttp.ClientSession() as session:
        server = RasaServer(lambda: Path({str(shelf.file("small"))!r}), session)
        server.start()
        peer = await server.ready()
        assert server.starts == 1
        Path({str(tmp_path / "server")!r}).write_text(f"{{peer.url}} {{server.process_id}}\\n")
        await asyncio.sleep(600)
asyncio.run(main())
"""
    # what a killed service leaves in the folder for temporary files is not left in everybody's
    service = subprocess.Popen(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    written = tmp_path / "server"
    try:
        async with asyncio.timeout(READY):
            while not (written.exists() and written.read_text(encoding="utf-8").endswith("\n")):
                assert service.poll() is None
                await asyncio.sleep(0.1)
        url, number = written.read_text(encoding="utf-8").split()
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/model/parse", json={"text": "施工"}) as answer:
                assert answer.status == 401
            async with session.post(f"{url}/model/parse?token=guess", json={"text": "施工"}) as answer:
                assert answer.status == 401
    finally:
        service.kill()
        service.wait()
    async with asyncio.timeout(60):
        while is_running(number):
            await asyncio.sleep(0.05)


async def test_a_server_that_cannot_start_is_tried_again_and_is_no_harm(
    tmp_path: Path, small_engine: EmbeddedEngine
) -> None:
    shelf = RasaShelf(tmp_path)
    shelf.file("broken").write_bytes(b"no model")
    shelf.add("broken", Record("broken"))
    async with aiohttp.ClientSession() as session:
        server = RasaServer(shelf.current_file, session)
        server.start()
        async with asyncio.timeout(READY):
            while server.starts < 2:
                await asyncio.sleep(0.1)
                assert server.peer is None
        await server.stop()
        assert server.process_id is None


async def test_without_a_model_the_engine_says_what_to_do(tmp_path: Path, small_engine: EmbeddedEngine) -> None:
    with pytest.raises(NotBuilt, match="make rasa"):
        async with open_rasa(small_engine, small_corpus.tree(), RasaSettings(), models=tmp_path):
            pass


async def test_a_training_that_fails_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="Rasa"):
        await train_model([Row("", "C0101")], [], tmp_path / "none.tar.gz")
    assert list(tmp_path.iterdir()) == []
