"""Reports read back as people open them: the workbook with calamine, the notice with python-docx."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from xml.etree import ElementTree

import docx
import pytest
import town
from docx.oxml.ns import qn
from histories import History
from parts import act, sweeps, taken
from python_calamine import CalamineWorkbook

from domain.complaint import Kind, Reporter
from domain.lifecycle import Action
from domain.worktime import WorkCalendar
from storage.assessments import Adjustment, Level
from storage.figures import Dimension, Slice
from storage.store import Store
from supervision.assessment.assessing import Assessing
from supervision.assessment.settings import AssessmentSettings
from supervision.figures import Metrics
from supervision.metrics import BY_CODE, METRICS, MetricUnit
from supervision.reports.content import GROUPED, GROUPINGS, Gathering, ReportContent
from supervision.reports.periods import Period, PeriodKind, period_before, period_between, period_of
from supervision.reports.schedule import ReportSchedule, file_name, write_report
from supervision.reports.settings import ReportFormat, ReportSettings, ScheduleSettings
from supervision.reports.workbook import (
    FORMULAS,
    OVERDUE,
    OVERVIEW,
    RED_LIGHTS,
    RETURNED,
    REWORKED,
    assessment_sheet,
    group_headings,
    write_workbook,
)

OCTOBER = period_of(PeriodKind.MONTH, date(2026, 10, 8))
MONTH = Slice(town.at("2026-10-01 00:00"), town.at("2026-11-01 00:00"))
MUCH_LATER = town.at("2027-03-01 00:00")
ISSUER = "青石镇综合执法局"
ASSESSMENT = AssessmentSettings(smallest_ranked=5)


def named(_dimension: Dimension, key: str) -> str:
    return f"名为{key}" if key else "（无）"


def metrics(store: Store) -> Metrics:
    return Metrics(store.figures, WorkCalendar(), 1)


def gathering(store: Store) -> Gathering:
    return Gathering(store, metrics(store), Assessing(store, ASSESSMENT), named, ISSUER)


async def gathered(store: Store, period: Period = OCTOBER, now: datetime = MUCH_LATER) -> ReportContent:
    return await gathering(store).gather(period, now)


_CONTENTS: dict[str, ReportContent] = {}


@pytest.fixture
async def content(lived: tuple[Store, list[History]], lived_url: str) -> ReportContent:
    """October's report of the lived weeks, gathered once on each kind of database."""
    if lived_url not in _CONTENTS:
        _CONTENTS[lived_url] = await gathered(lived[0])
    return _CONTENTS[lived_url]


def sheets(file: bytes) -> dict[str, list[list[object]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(file))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def below(rows: list[list[object]], heading: str) -> tuple[list[str], list[list[object]]]:
    """The headings that begin with a word, and the rows below them up to an empty one."""
    top = next(number for number, row in enumerate(rows) if row and row[0] == heading)
    found = []
    for row in rows[top + 1 :]:
        if row[0] == "":
            break
        found.append(row)
    return [str(one) for one in rows[top]], found


def words_of(file: bytes) -> str:
    """All text of a notice, tables too, as one string."""
    document = docx.Document(io.BytesIO(file))
    cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def inside(file: bytes) -> str:
    """All text that a file holds anywhere, unpacked, files within it too."""
    found = []
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".xlsx"):
                found.append(inside(content))
            elif name.endswith((".xml", ".rels")):
                ElementTree.fromstring(content)  # well-formed, every part
                found.append(content.decode())
    return "\n".join(found)


async def test_the_workbook_says_what_the_metrics_say(
    lived: tuple[Store, list[History]], content: ReportContent
) -> None:
    store, _ = lived
    book = sheets(write_workbook(content))
    _, rows = below(book[OVERVIEW], "指标")
    by_name = {str(row[0]): row for row in rows}
    counted = [metric for metric in METRICS if metric.unit is not MetricUnit.DURATION]
    assert list(by_name) == [metric.name for metric in counted]
    for metric in counted:
        total = (await metrics(store).compute(metric, MONTH, MUCH_LATER)).total
        row = by_name[metric.name]
        expected = total.n if metric.unit is MetricUnit.COUNT else round(total.value or 0, 4)
        assert row[1] == (expected if total.value is not None else "—"), metric.code
        assert row[3] == total.n
        assert row[6] == metric.formula
        if metric.unit is MetricUnit.RATE:
            assert row[2] == total.hits
    _, spans = below(book[OVERVIEW], "用时")
    to_accept = (await metrics(store).compute(BY_CODE["time_to_accept"], MONTH, MUCH_LATER)).total
    assert to_accept.working_minutes is not None
    row = next(one for one in spans if one[0] == BY_CODE["time_to_accept"].name)
    assert row[1] == to_accept.n > 0
    assert row[2] == round(to_accept.working_minutes.mean or 0, 2)
    assert row[4] == round(to_accept.working_minutes.p90 or 0, 2)


@pytest.mark.parametrize("dimension", GROUPINGS)
async def test_each_table_says_what_the_groups_say(
    lived: tuple[Store, list[History]], content: ReportContent, dimension: Dimension
) -> None:
    store, _ = lived
    headings, rows = below(sheets(write_workbook(content))[GROUPINGS[dimension]], "名称")
    assert headings == group_headings()
    by_key = {str(row[1]): row for row in rows}
    assert all(row[0] == named(dimension, str(row[1])) for row in rows)
    seen = 0
    for metric in GROUPED:
        column = headings.index(metric.name)
        figure = await metrics(store).compute(metric, MONTH, MUCH_LATER, by=dimension)
        for group in figure.groups:
            row = by_key[group.key]
            value = group.value
            if metric.unit is MetricUnit.RATE:
                assert row[column] == (round(value.value, 4) if value.value is not None else "—")
                assert row[column + 1] == value.n
            else:
                assert row[column] == value.n
            seen += 1
    assert seen > 20


async def test_the_lists_add_up_and_hold_no_report(lived: tuple[Store, list[History]], content: ReportContent) -> None:
    store, histories = lived
    book = sheets(write_workbook(content))
    secret = {one.ticket.no for one in histories if one.ticket.kind is Kind.REPORT}
    late = (await metrics(store).compute(BY_CODE["resolved_in_time"], MONTH, MUCH_LATER)).total
    for name, listing, total in (
        (OVERDUE, content.overdue, late.n - late.hits),
        (RETURNED, content.returned, content.overview["returned"].total.hits),
        (REWORKED, content.reworked, content.overview["reworked"].total.hits),
    ):
        assert total == listing.total == listing.withheld + len(listing.rows)
        assert listing.left_off == 0
        _, rows = below(book[name], "工单编号")
        assert [row[0] for row in rows] == [one.ticket_no for one in listing.rows]
        assert rows
        assert not secret & {str(row[0]) for row in rows}
    assert content.overdue.withheld + content.returned.withheld + content.reworked.withheld > 0
    lights = content.red_lights
    assert sum(one.times for one in lights.rows) + lights.withheld == lights.total > len(lights.rows)
    _, rows = below(book[RED_LIGHTS], "工单编号")
    assert [(row[0], row[-1]) for row in rows] == [(one.ticket_no, one.times) for one in lights.rows]


async def test_the_ranking_is_the_assessment(lived: tuple[Store, list[History]], content: ReportContent) -> None:
    store, _ = lived
    book = sheets(write_workbook(content))
    for level in Level:
        result = await Assessing(store, ASSESSMENT).month("2026-10", level, MUCH_LATER)
        _, rows = below(book[assessment_sheet(level)], "排名")
        expected = [
            (card.rank if card.rank is not None else "不排名", card.subject, card.total, card.sample)
            for card in result.cards
        ]
        assert [(row[0], row[2], row[3], row[4]) for row in rows] == expected
        assert rows
    week = await gathered(store, period_of(PeriodKind.WEEK, date(2026, 10, 8)))
    assert not [name for name in sheets(write_workbook(week)) if name.startswith("考核")]


async def test_every_metric_is_explained(content: ReportContent) -> None:
    _, rows = below(sheets(write_workbook(content))[FORMULAS], "指标")
    assert [(row[0], row[1], row[2]) for row in rows] == [(one.name, one.code, one.formula) for one in METRICS]


async def test_the_notice_has_the_form_of_one(content: ReportContent) -> None:
    settings = ReportSettings(document_word="青综执通", addressed_to="各大队")
    file = write_report(content, ReportFormat.DOCX, settings)
    document = docx.Document(io.BytesIO(file))
    lines = [one.text for one in document.paragraphs if one.text.strip()]
    assert lines[:4] == [
        f"{ISSUER}文件",
        "青综执通〔2026〕　　号",
        "关于2026年10月诉求办理情况的通报",
        "各大队：",
    ]
    assert lines[-2:] == [ISSUER, "2026年11月1日"]
    assert str(document.paragraphs[0].runs[0].font.color.rgb) == "E60012"
    headings = [line[2:] for line in lines if line[0] in "一二三四五六" and line[1] == "、"]
    assert headings == [
        "总体情况",
        "各单位办理情况",
        "诉求来源、类型和事项",
        "督办和存在的问题",
        "考核结果",
        "指标说明",
    ]
    text = words_of(file)
    received = content.overview["received"].total.n
    in_time = content.overview["resolved_in_time"].total
    assert f"共受理诉求 {received} 件" in text
    assert f"按时办结率 {in_time.value:.2%}（{in_time.hits}/{in_time.n}）" in text
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        charts = [archive.read(name).decode() for name in archive.namelist() if name.startswith("word/charts/chart")]
    assert len(charts) == 2
    rates = [
        f"<c:v>{round(row.values['resolved_in_time'].value * 100, 2):g}</c:v>"
        for row in content.tables[Dimension.BRIGADE].rows
        if row.key and row.values["resolved_in_time"].value is not None
    ]
    assert rates
    assert all(rate in charts[0] for rate in rates)


async def test_the_tables_of_a_notice_are_those_of_the_workbook(content: ReportContent) -> None:
    document = docx.Document(io.BytesIO(write_report(content, ReportFormat.DOCX, ReportSettings())))
    units = document.tables[0]
    assert [cell.text for cell in units.rows[0].cells][:3] == ["单位", "受理量", "派单量"]
    rows = [row for row in content.tables[Dimension.BRIGADE].rows if row.key]
    assert [[cell.text for cell in row.cells][:3] for row in units.rows[1:]] == [
        [row.name, str(row.values["received"].n if "received" in row.values else 0), str(row.values["dispatched"].n)]
        for row in rows
    ]
    # no page's end cuts a row; headings come again and are not left alone at a page's foot
    for table in document.tables:
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)
        repeated = [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in table.rows]
        assert repeated == [True] + [False] * (len(repeated) - 1)
        assert table.rows[0].cells[0].paragraphs[0].paragraph_format.keep_with_next
    scores = next(one for one in document.tables if one.rows[0].cells[-1].text == "总分")
    cards = content.assessment[0].cards
    assert [row.cells[-1].text for row in scores.rows[1:]] == [f"{card.total:.2f}" for card in cards]


@pytest.mark.parametrize("wanted", ReportFormat)
async def test_the_same_data_give_the_same_bytes(
    lived: tuple[Store, list[History]], content: ReportContent, wanted: ReportFormat
) -> None:
    """Whenever it is made, once the period is over; zip members and properties bear no time of writing."""
    store, _ = lived
    first = write_report(content, wanted, ReportSettings())
    await asyncio.sleep(2.1)  # the times within zip files go by two seconds
    again = write_report(await gathered(store, now=MUCH_LATER + timedelta(days=400)), wanted, ReportSettings())
    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        core = archive.read("docProps/core.xml").decode()
    assert re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", core) == ["2026-11-01T00:00:00Z"] * 2
    assert "python-docx" not in core


@pytest.mark.parametrize("wanted", ReportFormat)
async def test_nothing_of_a_reporter_leaves_in_a_report(store: Store, wanted: ReportFormat) -> None:
    shy = Reporter(name="测试乙", phone="13800000002", confidential=True)
    words = "菜场门口的无名铺子天天占道"
    open_no = (await taken(store, "A", town.RUBBISH, content=words)).no
    shy_no = (await taken(store, "B", town.SMELL, content=words, reporter=shy)).no
    told_no = (await taken(store, "C", town.SMELL, content=words, kind=Kind.REPORT)).no
    await act(store, shy_no, Action.RETURN, town.member(town.ENTERPRISE), town.MONDAY, reason_code="R1", basis="清单")
    await sweeps(store).lights(town.at("2026-11-30 23:00"))
    november = period_of(PeriodKind.MONTH, date(2026, 11, 1))
    content = await gathered(store, november)
    assert content.overview["received"].total.n == 3
    assert (content.overdue.total, content.overdue.withheld) == (3, 2)
    assert (content.returned.total, content.returned.withheld, content.returned.rows) == (1, 1, ())
    text = inside(write_report(content, wanted, ReportSettings()))
    assert open_no in text
    for secret in (shy_no, told_no, "测试甲", "测试乙", "13800000001", "13800000002", words, words[:8]):
        assert secret not in text


@pytest.mark.parametrize("wanted", ReportFormat)
async def test_a_report_of_nothing_is_a_whole_report(store: Store, wanted: ReportFormat) -> None:
    file = write_report(await gathered(store), wanted, ReportSettings())
    text = inside(file)
    if wanted is ReportFormat.DOCX:
        assert "期内没有派往各单位的工单" in text
        assert "没有超期办结或超期未办的" in text
    else:
        _, rows = below(sheets(file)[OVERVIEW], "指标")
        assert all(row[1] in {0, "—"} for row in rows)


async def test_what_people_wrote_is_text_and_no_formula(store: Store) -> None:
    await taken(store, "A", town.SMELL)
    made = Adjustment(
        "2026-11", Level.BRIGADE, town.ENTERPRISE, -1, '=HYPERLINK("http://x.invalid")', "v1", town.MONDAY
    )
    await store.assessments.add_adjustment(made)
    november = period_of(PeriodKind.MONTH, date(2026, 11, 1))
    file = write_workbook(await gathered(store, november))
    _, rows = below(sheets(file)[assessment_sheet(Level.BRIGADE)], "名称")
    assert rows[0][:3] == [named(Dimension.BRIGADE, town.ENTERPRISE), -1.0, '=HYPERLINK("http://x.invalid")']
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        parts = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not [part for part in parts if "<f>" in part or "<hyperlink" in part]


async def test_corrections_after_freezing_are_told_in_both_files(store: Store) -> None:
    await taken(store, "A", town.SMELL)
    december = town.at("2026-12-01 00:10")
    await Assessing(store, ASSESSMENT).freeze("2026-11", town.SUPERVISOR, december)
    await store.assessments.add_adjustment(
        Adjustment("2026-11", Level.BRIGADE, town.ENTERPRISE, 3, "协助抢险", "v1", december)
    )
    content = await gathered(store, period_of(PeriodKind.MONTH, date(2026, 11, 1)))
    book = sheets(write_workbook(content))[assessment_sheet(Level.BRIGADE)]
    assert any("已于 2026-12-01 00:10 定档" in str(row[0]) for row in book)
    start = next(number for number, row in enumerate(book) if row[0] == "定档后的更正")
    frozen = content.assessment[0].cards[0].total
    assert book[start + 2][1:3] == [frozen, frozen + 3]
    assert "协助抢险" in str(book[start + 2][5])
    text = words_of(write_report(content, ReportFormat.DOCX, ReportSettings()))
    assert f"{frozen:.2f} 更正为 {frozen + 3:.2f}" in text


async def test_a_period_that_runs_is_counted_up_to_now(store: Store) -> None:
    await taken(store, "A", town.SMELL)
    now = town.at("2026-11-23 10:30") + timedelta(seconds=42)
    content = await gathered(store, period_of(PeriodKind.DAY, date(2026, 11, 23)), now)
    assert content.as_of == now
    assert content.overview["received"].total.n == 1
    assert content.overdue.total == 0


SCHEDULE = ReportSettings(
    schedule=(
        ScheduleSettings(period=PeriodKind.DAY),
        ScheduleSettings(period=PeriodKind.MONTH, formats=(ReportFormat.XLSX, ReportFormat.DOCX)),
    )
)


async def test_reports_are_made_when_their_time_has_come_once_among_all(store: Store) -> None:
    await taken(store, "A", town.SMELL)
    schedule = ReportSchedule(gathering(store), store.assessments, SCHEDULE)
    early = await schedule.make_due(town.at("2026-12-01 07:29"))
    assert early == []
    now = town.at("2026-12-01 07:30")
    rounds = await asyncio.gather(*(schedule.make_due(now) for _ in range(3)))
    made = sorted((one for each in rounds for one in each), key=lambda one: len(one.file_names))
    assert [one.file_names for one in made] == [("日报-2026-11-30.xlsx",), ("月报-2026-11.xlsx", "月报-2026-11.docx")]
    assert await schedule.make_due(now + timedelta(hours=3)) == []
    month = made[1]
    assert month.title == "月报：2026年11月"
    assert month.text == "受理 1 件，按时办结率 0.00%（0/1），超期 1 件。"
    kept = await store.assessments.report("month", "2026-11-01", "xlsx")
    assert kept is not None
    assert kept.content == write_report(
        await gathered(store, period_of(PeriodKind.MONTH, date(2026, 11, 1))), ReportFormat.XLSX, SCHEDULE
    )


async def test_a_report_that_was_missed_is_made_later(store: Store) -> None:
    """The machine was off on the first: the month's report is made on the tenth, before the hour too."""
    await taken(store, "A", town.SMELL)
    schedule = ReportSchedule(gathering(store), store.assessments, SCHEDULE)
    made = await schedule.make_due(town.at("2026-12-10 03:00"))
    assert {report.first_day for one in made for report in one.reports} == {"2026-11-01"}


async def test_no_report_is_made_of_a_time_before_the_service_began(store: Store) -> None:
    schedule = ReportSchedule(gathering(store), store.assessments, SCHEDULE)
    now = town.at("2026-12-01 07:30")
    assert await schedule.make_due(now) == []
    await taken(store, "A", town.SMELL, now - timedelta(hours=1))
    assert await schedule.make_due(now) == []
    await taken(store, "B", town.SMELL, now - timedelta(hours=8))
    assert {report.period for one in await schedule.make_due(now) for report in one.reports} == {"day", "month"}


async def told(store: Store) -> list[tuple[str, str, list[str]]]:
    """Everything that waits in the outbox: to whom, about what, with which files."""
    due = await store.outbox.lease("", MUCH_LATER, limit=100, lease=timedelta(minutes=1))
    return [(one.destination, one.data["title"], [file["name"] for file in one.data["files"]]) for one in due]


async def test_a_report_is_told_once_with_its_files(store: Store) -> None:
    settings = SCHEDULE.model_copy(update={"tell": ("d1", "v1")})
    schedule = ReportSchedule(gathering(store), store.assessments, settings)
    now = town.at("2026-12-01 07:30")
    await taken(store, "A", town.SMELL)
    await store.outbox.lease("", MUCH_LATER, limit=100, lease=timedelta(days=999))  # what tells of the ticket itself
    await asyncio.gather(*(schedule.make_due(now) for _ in range(3)))
    await schedule.make_due(now + timedelta(hours=1))
    both = ["月报-2026-11.xlsx", "月报-2026-11.docx"]
    assert sorted(await told(store)) == [
        ("account:d1", "日报：2026年11月30日", ["日报-2026-11-30.xlsx"]),
        ("account:d1", "月报：2026年11月", both),
        ("account:v1", "日报：2026年11月30日", ["日报-2026-11-30.xlsx"]),
        ("account:v1", "月报：2026年11月", both),
    ]


async def test_a_format_added_later_is_made_and_told_alone(store: Store) -> None:
    def schedule(*formats: ReportFormat) -> ReportSchedule:
        one = ScheduleSettings(period=PeriodKind.MONTH, formats=formats)
        return ReportSchedule(gathering(store), store.assessments, ReportSettings(tell=("d1",), schedule=(one,)))

    now = town.at("2026-12-01 07:30")
    await taken(store, "A", town.SMELL)
    await store.outbox.lease("", MUCH_LATER, limit=100, lease=timedelta(days=999))  # what tells of the ticket itself
    await schedule(ReportFormat.XLSX).make_due(now)
    await schedule(ReportFormat.XLSX, ReportFormat.DOCX).make_due(now)
    assert [files for _, _, files in await told(store)] == [["月报-2026-11.xlsx"], ["月报-2026-11.docx"]]


@pytest.mark.parametrize(
    ("period", "name", "file", "days"),
    [
        (period_of(PeriodKind.DAY, date(2026, 2, 28)), "2026年2月28日", "日报-2026-02-28.xlsx", 1),
        (period_of(PeriodKind.WEEK, date(2027, 1, 3)), "2026年12月28日至2027年1月3日", "周报-2026-12-28.xlsx", 7),
        (period_of(PeriodKind.MONTH, date(2028, 2, 29)), "2028年2月", "月报-2028-02.xlsx", 29),
        (
            period_between(date(2026, 10, 1), date(2026, 10, 8)),
            "2026年10月1日至10月7日",
            "专报-2026-10-01至2026-10-07.xlsx",
            7,
        ),
        (period_before(PeriodKind.MONTH, date(2027, 1, 31)), "2026年12月", "月报-2026-12.xlsx", 31),
        (period_before(PeriodKind.WEEK, date(2026, 11, 23)), "2026年11月16日至11月22日", "周报-2026-11-16.xlsx", 7),
    ],
)
def test_periods(period: Period, name: str, file: str, days: int) -> None:
    assert (period.name, file_name(period, ReportFormat.XLSX)) == (name, file)
    assert (period.slice.end - period.slice.start).days == days


@pytest.mark.parametrize(
    "make",
    [
        lambda: period_between(date(2026, 10, 8), date(2026, 10, 8)),
        lambda: period_between(date(2020, 1, 1), date(2026, 1, 1)),
        lambda: period_of(PeriodKind.RANGE, date(2026, 10, 8)),
        lambda: ScheduleSettings(period=PeriodKind.RANGE),
    ],
)
def test_periods_that_cannot_be(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="期"):
        make()
