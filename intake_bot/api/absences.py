"""`/api/v1/absences`: who is away when, kept by hand or imported from a sheet. Not: who stands in (`router.duty`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from domain.absence import Absence
from domain.worktime import local
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.filters import read_flag, whole_number
from intake_bot.api.problems import FieldError, bad_fields, not_found
from intake_bot.api.routes import ADMINISTRATORS, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.users import people_of
from intake_bot.api.views import written
from intake_bot.house import House
from intake_bot.roster_sheets import LONGEST_REASON, UnreadableSheet, read_absences, sheet_rows


@dataclass(frozen=True, slots=True)
class NewAbsence:
    """一段离岗；不带时区的时间按北京时间。"""

    account: str
    start: datetime
    end: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """一段离岗；id 为空的写在 config.yml 中，不能在此删除。"""

    id: int | None
    account: str
    name: str
    start: str
    end: str
    reason: str


@dataclass(frozen=True, slots=True)
class AbsenceList:
    """尚未结束的离岗，先开始的在前。"""

    absences: tuple[AbsenceView, ...]


@dataclass(frozen=True, slots=True)
class ImportedAbsence:
    """表中的一行；known：此前已登记，不会重复。"""

    account: str
    name: str
    start: str
    end: str
    reason: str
    known: bool


@dataclass(frozen=True, slots=True)
class Import:
    """导入结果；预览时什么也没有登记。"""

    preview: bool
    added: int
    rows: tuple[ImportedAbsence, ...]


def absence_routes() -> list[Route]:
    listed = {200: ("离岗清单", schema_of(AbsenceList))}
    return [
        Route(
            "GET",
            "/api/v1/absences",
            list_absences,
            "尚未结束的离岗",
            "rosters",
            ADMINISTRATORS,
            answers=listed,
        ),
        Route(
            "POST",
            "/api/v1/absences",
            add_absence,
            "登记一段离岗，一分钟内各进程派单时即由 B 岗顶上",
            "rosters",
            ADMINISTRATORS,
            body=schema_of(NewAbsence),
            answers={201: ("离岗清单", schema_of(AbsenceList))},
        ),
        Route(
            "POST",
            "/api/v1/absences/{id}/remove",
            remove_absence,
            "删除一段离岗",
            "rosters",
            ADMINISTRATORS,
            parameters=(Parameter("id", "离岗编号", {"type": "integer"}, place="path"),),
            answers=listed,
        ),
        Route(
            "POST",
            "/api/v1/absences/import",
            import_absences,
            "导入离岗安排表（.xlsx 或 .csv），全部正确才登记；已登记过的行不会重复",
            "rosters",
            ADMINISTRATORS,
            parameters=(Parameter("preview", "true：只读表预览，不登记", {"type": "boolean"}),),
            body={"type": "string", "format": "binary"},
            body_type="application/octet-stream",
            answers={200: ("导入结果", schema_of(Import))},
        ),
    ]


async def list_absences(request: web.Request) -> web.Response:
    return json_answer(await absence_list(house_of(request)))


async def absence_list(house: House) -> AbsenceList:
    """What the API and the administrator's page show: those of `config.yml` and those that were registered."""
    now, people = house.now(), people_of(house)
    kept: list[tuple[int | None, Absence]] = [(one.id, one.absence) for one in await house.store.absences.kept(now)]
    kept += [
        (None, Absence(one.account, local(away.start), local(away.end), "config.yml 中的安排"))
        for unit in house.settings.router.units
        for one in unit.people
        for away in one.off_duty
        if local(away.end) > now
    ]
    kept.sort(key=lambda one: (one[1].start, one[1].account))
    return AbsenceList(
        tuple(
            AbsenceView(
                id=number,
                account=one.account,
                name=people.get(one.account, (one.account, ""))[0],
                start=written(one.start),
                end=written(one.end),
                reason=one.reason,
            )
            for number, one in kept
        )
    )


async def add_absence(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, NewAbsence)
    start, end, reason = local(wanted.start), local(wanted.end), wanted.reason.strip()
    problems = []
    if wanted.account not in people_of(house):
        problems.append(FieldError("account", f"config.yml 的人员中没有账号“{wanted.account[:40]}”"))
    if end <= start:
        problems.append(FieldError("end", "离岗结束应晚于离岗开始"))
    elif end <= house.now():
        problems.append(FieldError("end", "离岗结束应晚于现在"))
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        problems.append(FieldError("reason", f"事由应为不含控制字符的文字，不超过 {LONGEST_REASON} 个字"))
    if problems:
        raise bad_fields(problems)
    added = await house.store.absences.add(
        [Absence(wanted.account, start, end, reason)], house.now(), actor_of(request)
    )
    if not added:
        raise bad_fields([FieldError("start", "这段离岗此前已经登记")])
    await house.absences.refresh(house.store, house.now())
    return json_answer(await absence_list(house), 201)


async def remove_absence(request: web.Request) -> web.Response:
    house, number = house_of(request), whole_number(request.match_info["id"])
    if number is None or not await house.store.absences.remove(number, house.now(), actor_of(request)):
        raise not_found("没有这段离岗，可能已经删除")
    await house.absences.refresh(house.store, house.now())
    return json_answer(await absence_list(house))


async def import_absences(request: web.Request) -> web.Response:
    """All rows or none: a sheet with a wrong row changes nothing and every wrong row is named."""
    house, preview = house_of(request), read_flag(request, "preview")
    people = {account: name for account, (name, _) in people_of(house).items()}
    try:
        rows = await asyncio.to_thread(sheet_rows, await request.read())
        absences = read_absences(rows, people)
    except UnreadableSheet as error:
        raise bad_fields([FieldError("file", one) for one in error.problems]) from None
    known = await _known(house, absences)
    added = 0
    if not preview:
        added = await house.store.absences.add(absences, house.now(), actor_of(request))
        await house.absences.refresh(house.store, house.now())
    return json_answer(
        Import(
            preview=preview,
            added=added,
            rows=tuple(
                ImportedAbsence(
                    account=one.account,
                    name=people[one.account],
                    start=written(one.start),
                    end=written(one.end),
                    reason=one.reason,
                    known=(one.account, one.start, one.end) in known,
                )
                for one in absences
            ),
        )
    )


async def _known(house: House, absences: Iterable[Absence]) -> set[tuple[str, datetime, datetime]]:
    """Those of a sheet that were registered before."""
    ends = [one.end for one in absences]
    if not ends:
        return set()
    kept = await house.store.absences.kept(min(ends) - timedelta(seconds=1))
    return {(one.absence.account, one.absence.start, one.absence.end) for one in kept}
