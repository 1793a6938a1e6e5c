"""schemathesis against a running service, over what `/api/openapi.json` promises. For `make test`, and longer `make fuzz`.

Also read by schemathesis itself as its hooks: requests of channels are signed, so that it gets behind the signature.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis import Case, HookContext
from service import ADMIN_TOKEN, PATHS, ROOT, copy_beside, serving, signed_headers

SETTINGS = ROOT / "tests" / "schemathesis.toml"
PATIENCE = 3_600.0


class Signed(requests.auth.AuthBase):
    """Signs whatever schemathesis sends as the channel would."""

    def __init__(self, channel: str) -> None:
        self._channel = channel

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        signed = signed_headers(self._channel, body.encode() if isinstance(body, str) else bytes(body))
        given = request.headers.get("Content-Type")
        request.headers.update(signed)
        if given is not None:
            request.headers["Content-Type"] = given
        return request


@schemathesis.hook
def before_call(_context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    for channel, path in PATHS.items():
        if case.path.startswith(path):
            kwargs["auth"] = Signed(channel)


def open_wide(folder: Path) -> None:
    """The shipped configuration with everything that is closed in it open, and without limits of how often."""
    text = (ROOT / "config.yml").read_text(encoding="utf-8")
    text, opened = re.subn(r"(?m)^(open311:\n  enabled: )false", r"\1true", text)
    assert opened == 1
    rates = ("sign_in", "conversation", "pictures", "look_ups", "open311_posts", "account", "channel")
    text += "\nrate_limits: {" + ", ".join(f"{one}: 0" for one in rates) + "}\n"
    (folder / "config.yml").write_text(text, encoding="utf-8")
    (folder / "var").mkdir()
    with contextlib.suppress(FileNotFoundError):
        (folder / "var" / "models").symlink_to((ROOT / "var" / "models").resolve(strict=True))
    copy_beside(folder)


@contextlib.asynccontextmanager
async def fuzzed_service(folder: Path) -> AsyncIterator[str]:
    """A service to be fuzzed, over a SQLite file in a folder; its address."""
    open_wide(folder)
    async with serving(f"sqlite+aiosqlite:///{folder}/fuzzed.db", folder / "service.log", folder=folder) as running:
        yield running[1]


async def main(*options: str) -> int:
    """`make fuzz`: every phase, until nothing new is tried. What it said is printed."""
    with tempfile.TemporaryDirectory() as folder:
        async with fuzzed_service(Path(folder)) as address:
            wanted = options or (
                "--phases",
                "examples,coverage,fuzzing,stateful",
                "--max-examples",
                "100",
                "--workers",
                "2",
            )
            status, told = await run_schemathesis(address, Path(folder), *wanted)
    print(told)
    return status


async def run_schemathesis(address: str, folder: Path, *options: str) -> tuple[int, str]:
    """Its exit status, 0 where nothing failed, and what it said. `folder`: where it may leave files."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"),
        f"{address}/api/openapi.json",
        *("--header", f"Authorization: Bearer {ADMIN_TOKEN}", "--output-sanitize", "false", "--no-color"),
        *options,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_service", "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, told.decode(errors="replace")


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
