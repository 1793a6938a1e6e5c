"""`/desk/import`: an exported table looked through before it is taken in. The browser sends the file again to confirm it, so
that nothing has to be kept in between and any process can answer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from adapters.problems import Unreadable
from adapters.refusals import write_refusals
from adapters.settings import SheetSettings
from adapters.sheets import Sheet, SheetRow, open_sheet
from domain.ticket import Ticket
from intake_bot.api.filters import read_word
from intake_bot.api.problems import FieldError, Problem, bad_fields
from intake_bot.api.routes import DESK, Route, actor_of, house_of
from intake_bot.house import House
from intake_bot.ingest import ingest
from intake_bot.intake import draft
from intake_bot.pages.rendering import fragment, page

MOST_BYTES = 20_971_520
MOST_ROWS = 5_000
"""More is for the command line, which shows how far it has come."""

SHOWN = 20
SHOWN_REFUSALS = 200
_LONGEST_NAME = 200
"""Bytes of a file's name; file systems end at 255."""


def import_routes() -> list[Route]:
    return [
        Route("GET", "/desk/import", show_form, "受理台：批量导入", "pages", DESK, page=True),
        Route("POST", "/desk/import/preview", preview, "受理台：批量导入的预览，不保存", "pages", DESK, page=True),
        Route("POST", "/desk/import/take", take, "受理台：批量导入", "pages", DESK, page=True),
        Route("POST", "/desk/import/refusals", refusals, "受理台：批量导入的退回清单", "pages", DESK, page=True),
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the preview. `draft`: what it would become; `known`: the ticket that it is already."""

    number: int
    source_no: str
    content: str
    draft: Ticket
    known: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What is in a table. `known`: source number → ticket number of rows that were taken in before."""

    sheet: Sheet
    good: list[SheetRow]
    refused: list[SheetRow]
    known: dict[str, str]
    repeated: int


async def show_form(request: web.Request) -> web.Response:
    settings = house_of(request).settings
    codes = dict.fromkeys(one.channel for one in settings.sheets)
    return page(
        request,
        "desk/import.html",
        channels=[(code, settings.channels[code].name) for code in codes],
        sheets=list(dict.fromkeys(one.name for one in settings.sheets)),
        most_rows=MOST_ROWS,
        most_megabytes=MOST_BYTES // 1_048_576,
    )


async def preview(request: web.Request) -> web.Response:
    """Counts, the first rows as the tickets that they would become, and every refusal with its reason."""
    house = house_of(request)
    async with _uploaded(request) as (path, name):
        looked = await _looked(house, path, _candidates(request))
        first = looked.good[:SHOWN]
        complaints = [row.complaint for row in first if row.complaint is not None]
        drafts = await draft(house, complaints, actor_of(request), house.now())
    rows = [
        Row(row.number, one.source_no, one.content, made.ticket, looked.known.get(one.source_no, ""))
        for row, one, made in zip(first, complaints, drafts, strict=True)
    ]
    return fragment(
        request,
        "desk/import_preview.html",
        name=name,
        looked=looked,
        fresh=len(looked.good) - len(looked.known) - looked.repeated,
        rows=rows,
        refused=looked.refused[:SHOWN_REFUSALS],
        channel=house.settings.channels[looked.sheet.settings.channel].name,
        name_of_unit=house.router.unit_name,
    )


async def take(request: web.Request) -> web.Response:
    """Every good row becomes a ticket, or is one already; the others are counted and can be fetched."""
    house = house_of(request)
    async with _uploaded(request) as (path, name):
        looked = await _looked(house, path, _candidates(request))
        tally = await ingest(house, looked.sheet, lambda done: None, actor_of(request))
    return fragment(request, "desk/import_done.html", name=name, tally=tally)


async def refusals(request: web.Request) -> web.Response:
    """The refused rows with the reasons, to be mended and imported again."""
    house = house_of(request)
    async with _uploaded(request) as (path, _):
        looked = await _looked(house, path, _candidates(request))
        target = path.with_name("refusals.csv")
        if not await asyncio.to_thread(write_refusals, target, looked.sheet, looked.refused):
            raise Problem(409, "not-allowed", "现在不能这样做", "这个文件没有需要退回的行")
        content = await asyncio.to_thread(target.read_bytes)
    return web.Response(body=content, content_type="text/csv", charset="utf-8")


async def _looked(house: House, path: Path, candidates: list[SheetSettings]) -> Looked:
    try:
        sheet = await asyncio.to_thread(open_sheet, path, candidates, house.now())
        rows = await asyncio.to_thread(_rows, sheet)
    except Unreadable as error:
        raise Problem(422, "bad-fields", "文件无法导入", str(error)) from None
    good = [row for row in rows if row.complaint is not None]
    numbers = [row.complaint.source_no for row in good if row.complaint is not None]
    taken = await house.store.tickets.known(sheet.settings.channel, list(dict.fromkeys(numbers)))
    known = {number: no for number, (no, _) in taken.items()}
    return Looked(sheet, good, [row for row in rows if row.complaint is None], known, len(numbers) - len(set(numbers)))


def _rows(sheet: Sheet) -> list[SheetRow]:
    rows = []
    for row in sheet:
        rows.append(row)
        if len(rows) > MOST_ROWS:
            told = f"文件超过 {MOST_ROWS} 行，请分成几个文件，或由管理员用命令行 intake-bot ingest 导入"
            raise Problem(413, "too-large", "文件太大", told)
    return rows


def _candidates(request: web.Request) -> list[SheetSettings]:
    """The maps of the chosen channel; of all channels where none is chosen. Raises `Problem` for one without maps."""
    sheets = house_of(request).settings.sheets
    channel = read_word(request, "channel")
    found = [one for one in sheets if channel in (None, one.channel)]
    if not found:
        raise bad_fields([FieldError("channel", "该渠道没有配置表格对照，请另选渠道，或请管理员在 config.yml 中添加")])
    return found


@asynccontextmanager
async def _uploaded(request: web.Request) -> AsyncIterator[tuple[Path, str]]:
    """The file of the request's body on disk for as long as it is read, and what its owner calls it."""
    name = (read_word(request, "name", longest=200) or "表格").replace("/", "_").replace("\\", "_")
    content = bytearray()
    async for part in request.content.iter_chunked(1 << 16):
        content += part
        if len(content) > MOST_BYTES:
            raise Problem(413, "too-large", "文件太大", f"文件超过 {MOST_BYTES // 1_048_576} MB，请分成几个文件导入")
    with tempfile.TemporaryDirectory(prefix="intake-import-") as folder:
        # Its own name, which messages repeat, and of which only the ending means anything.
        is_usable = len(name.encode()) < _LONGEST_NAME and name not in {".", ".."}
        path = Path(folder) / (name if is_usable else f"table{Path(name).suffix[:8]}")
        await asyncio.to_thread(path.write_bytes, content)
        yield path, name
