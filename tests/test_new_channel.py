"""`docs/new-channel.md` builds a channel: its files, taken from the page, make one that is checked, tested and sent to."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import aiohttp
import pytest
from service import ADMIN_TOKEN, ROOT, copy_beside, serving

from adapters.signature import signed_headers
from intake_bot.simulation.bodies import signed

PAGE = ROOT / "docs" / "new-channel.md"
SECRET = "secret-of-the-county"
ENVIRONMENT = {"INTAKE_SECRET_COUNTY": SECRET, "PYTHONPATH": str(ROOT)}


def files_of_the_page() -> dict[str, str]:
    """Path → content: each heading that names a file, and the block below it."""
    found = re.findall(
        r"^### `([^`]+)`\n\n```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return dict(found)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A deployment of its own in which the page was followed; everything else is the project's."""
    folder = tmp_path / "deployment"
    shutil.copytree(ROOT / "adapters", folder / "adapters", ignore=shutil.ignore_patterns("__pycache__"))
    files = files_of_the_page()
    section = files.pop("config.yml")
    for name, content in files.items():
        path = folder / name
        assert not (ROOT / name).exists(), "the page adds files and changes none"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    config = (ROOT / "config.yml").read_text(encoding="utf-8")
    config = config.replace("\nchannels:\n", f"\nchannels:\n{section}", 1)
    config = config.replace("model_dir: var/models", f"model_dir: {ROOT / 'var' / 'models'}")
    (folder / "config.yml").write_text(config, encoding="utf-8")
    copy_beside(folder)
    return folder


async def run(folder: Path, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **ENVIRONMENT},
        cwd=folder,
    )
    told, _ = await asyncio.wait_for(process.communicate(), 240)
    return process.returncode or 0, told.decode()


def test_the_page_has_every_file_that_a_channel_needs() -> None:
    assert list(files_of_the_page()) == [
        "adapters/county_hotline/fields.yml",
        "adapters/county_hotline/actions.yml",
        "adapters/county_hotline/__init__.py",
        "adapters/county_hotline/report_back.py",
        "docs/samples/county-hotline.json",
        "tests/adapters/test_adapters_county_hotline.py",
        "config.yml",
    ]


async def test_the_configuration_and_the_pages_own_test_pass(built: Path) -> None:
    code, told = await run(built, "intake_bot", "check")
    assert code == 0, told
    test = "tests/adapters/test_adapters_county_hotline.py"
    code, told = await run(built, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", test)
    assert code == 0 and "3 passed" in told, told


async def test_it_is_sent_to_and_says_more(built: Path, sqlite_database_url: str, tmp_path: Path) -> None:
    sheet = json.loads((built / "docs" / "samples" / "county-hotline.json").read_text(encoding="utf-8"))
    log = tmp_path / "service.log"
    async with (
        serving(sqlite_database_url, log, folder=built, more=ENVIRONMENT) as (_, address),
        aiohttp.ClientSession() as session,
    ):
        path = f"{address}/channels/county-hotline/sheets"
        content, headers = signed(SECRET, sheet)
        async with session.post(path, data=content, headers=headers) as answer:
            told = await answer.json()
            assert (answer.status, told["kind"]) == (201, "complaint"), told
        content, headers = signed(SECRET, {"noteNo": "1", "note": "撤", "remark": "来电人撤回"})
        async with session.post(f"{path}/{sheet['sheetNo']}/actions", data=content, headers=headers) as answer:
            said = await answer.json()
            assert (said["ticket_no"], said["applied"], said["status"]) == (told["ticket_no"], True, "closed"), said
        content, headers = signed(SECRET, {"sheetNo": "C-1"})
        async with session.post(path, data=content, headers=headers) as answer:
            wrong = {one["field"] for one in (await answer.json())["errors"]}
            assert (answer.status, wrong) == (422, {"call.text", "call.at"})
        async with session.post(path, data=content, headers=signed_headers("another", content)) as answer:
            assert answer.status == 401
        bearer = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with session.get(f"{address}/api/v1/tickets?channel=county-hotline", headers=bearer) as answer:
            listed = (await answer.json())["items"]
            assert [one["source_no"] for one in listed] == [sheet["sheetNo"]]
