"""Calling the service over real HTTP as platforms and people do. `intake_bot/conftest.py` starts one."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from adapters.signature import sign
from intake_bot.house import House

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "docs" / "samples"
ADMIN_TOKEN = "administrator-token-for-tests-0123456789"
SECRETS = {
    "INTAKE_SECRET_12345": "secret-of-12345",
    "INTAKE_SECRET_12319": "secret-of-12319",
    "INTAKE_SECRET_12369": "secret-of-12369",
    "INTAKE_SECRET_E_STEWARD": "secret-of-e-steward",
}
START_PATIENCE = 240.0
"""Seconds until a service listens: the first start on a bare machine trains the model."""
PATHS = {
    "12345": "/channels/12345/tickets",
    "12319": "/channels/12319/cases",
    "12369": "/channels/12369/reports",
    "e-steward": "/channels/e-steward/reports",
}


def copy_beside(folder: Path) -> None:
    """What the shipped configuration refers to, beside a copy of it."""
    for name in ("boundaries.geojson", "questions.yml"):
        shutil.copy(ROOT / name, folder)


def signed_headers(channel: str, body: bytes, *, at: float | None = None, nonce: str = "") -> dict[str, str]:
    """What a platform puts beside its body."""
    secret = SECRETS[f"INTAKE_SECRET_{channel.replace('-', '_').upper()}"]
    timestamp = str(int(time.time() if at is None else at))
    nonce = nonce or secrets.token_hex(12)
    return {
        "Content-Type": "application/json",
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Signature": sign(secret, timestamp, nonce, body),
    }


@dataclass
class Answer:
    """A response, read."""

    status: int
    body: Any
    headers: Any

    @property
    def fields(self) -> list[str]:
        """The bad fields that a problem names."""
        return [one["field"] for one in self.body.get("errors", ())]


class Caller:
    """Calls the service as its users do."""

    def __init__(self, client: TestClient[Any, Any], house: House) -> None:
        self.client = client
        self.house = house
        self.token = ADMIN_TOKEN

    async def send(self, channel: str, body: object, **signing: Any) -> Answer:
        """A channel's POST, signed; `body` is JSON data or raw bytes."""
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return await self._read(
            "POST", PATHS[channel], data=content, headers=signed_headers(channel, content, **signing)
        )

    async def get(self, path: str, token: str | None = None, **arguments: Any) -> Answer:
        return await self._read("GET", path, headers=self._bearer(token), **arguments)

    async def post(
        self, path: str, body: object = None, token: str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        given = {**self._bearer(token), **(headers or {})}
        if isinstance(body, bytes):
            return await self._read("POST", path, data=body, headers=given)
        return await self._read("POST", path, json=body if body is not None else {}, headers=given)

    async def act(self, no: str, action: str, token: str | None = None, **details: Any) -> Answer:
        return await self.post(f"/api/v1/tickets/{no}/{action}", details, token)

    async def new_token(self, role: str, unit: str = "") -> str:
        body: dict[str, Any] = {"name": f"test {role} {unit}", "role": role}
        if unit:
            body["unit"] = unit
        answer = await self.post("/api/v1/tokens", body)
        assert answer.status == 201, answer.body
        return str(answer.body["token"])

    def _bearer(self, token: str | None) -> dict[str, str]:
        token = self.token if token is None else token
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def _read(self, method: str, path: str, **arguments: Any) -> Answer:
        async with self.client.request(method, path, **arguments) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Answer(response.status, json.loads(text) if is_json else text, response.headers)


def sample(name: str) -> Any:
    """A body that ships under `docs/samples`."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


@asynccontextmanager
async def serving(
    database_url: str, log: Path, *, folder: Path = ROOT, more: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A running `intake-bot serve` and its address; killed on leaving if it still lives.

    `folder` holds its `config.yml`, and code that stands before our own; `more`: further environment variables.
    """
    environment = {
        **os.environ,
        **(more or {}),
        **SECRETS,
        "INTAKE_ADMIN_TOKEN": ADMIN_TOKEN,
        "DATABASE_URL": database_url,
        "PORT": "0",
        "HOST": "127.0.0.1",
        "CONFIG": str(folder / "config.yml"),
    }
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "intake_bot", "serve"),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=folder,
        )
    try:
        address = await asyncio.wait_for(_address(process), START_PATIENCE)
        yield process, address
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        text = line.decode()
        if "http://" in text:
            return "http://" + text.split("http://")[1].split()[0].strip()
    raise AssertionError("the service ended before it listened")
