"""The configuration: the shipped one is right, and every mistake is named with its line and what would be right."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from service import ROOT, copy_beside

from domain.category import CategoryTree
from intake_bot.config_file import ConfigurationError, read_config
from intake_bot.settings import database_url, load_deployment

SHIPPED = (ROOT / "config.yml").read_text(encoding="utf-8")


def mistakes(folder: Path, tree: CategoryTree, old: str, new: str) -> list[tuple[int, str, str]]:
    """What is said of the shipped configuration with one passage replaced: (line, where, message) of each mistake."""
    assert SHIPPED.count(old) >= 1, f"{old!r} is not in config.yml"
    path = folder / "config.yml"
    path.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    copy_beside(folder)
    with pytest.raises(ConfigurationError) as caught:
        load_deployment(path, tree)
    return [(one.line, one.where, one.message) for one in caught.value.mistakes]


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(SHIPPED.splitlines(), 1) if text in line)


def test_the_shipped_configuration_is_right(tree: CategoryTree) -> None:
    deployment = load_deployment(ROOT / "config.yml", tree)
    territory = deployment.settings.router.territory
    assert len(territory.places) == 20
    assert sum(place.name.endswith("社区") for place in territory.places) == 5
    assert [grid.unit for grid in territory.grids] == ["brigade-1", "brigade-2", "brigade-3"]
    assert set(deployment.settings.channels) == {"12345", "12319", "12369", "e-steward"}
    assert deployment.boundaries.schematic
    assert set(deployment.boundaries.codes) == {place.code for place in territory.places}


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("ticket_prefix: FH ", "ticket_prefix: fh ", "bureau.ticket_prefix", "^[A-Z]{1,6}$"),
        ("port: 8080", "port: 80800", "server.port", "应不大于 65535"),
        ("port: 8080", "prot: 8080", "server.prot", "不认识的字段"),
        ("threshold: 0.56", "threshold: 高", "router.threshold", "应为数字"),
        ("13:30-17:30]\n", "13:30-1730]\n", "calendar.office_hours[0].spans", "08:30-12:00"),
        ("adapter: hotline_12345", "adapter: hotline_110", "channels.12345.adapter", "hotline_12345"),
        ("path: /channels/12319/cases", "path: /channels/12345/tickets", "channels.12319.path", "各不相同"),
        ("limit: 1 working_days}", "limit: 1 workdays}", "router.limits[6].limit", "working_days"),
        ("boundaries: boundaries.geojson", "boundaries: gone.geojson", "router.territory.boundaries", "gone.geojson"),
        ("then: {urgency: urgent}", "then: {urgency: 紧急}", "router.rules[4].then.urgency", "urgent"),
        (
            "then: {helpers: [brigade-1]}",
            "then: {helpers: [brigade-9]}",
            "router.rules[6].then.helpers[0]",
            "brigade-9",
        ),
        ("{category: [J0301], hours", "{category: [J9301], hours", "router.rules[5].when.category[0]", "J9301"),
        ("platforms: {}", "platforms: {12333: https://example.com}", "delivery.platforms.12333", "12345"),
        ("platforms: {}", 'platforms: {"12345": example.com}', "delivery.platforms", "https://"),
        ("units: {}", "units: {brigade-7: X}", "delivery.units.brigade-7", "brigade-1"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, tree: CategoryTree, old: str, new: str, where: str, said: str
) -> None:
    found = mistakes(tmp_path, tree, old, new)
    assert len(found) == 1, found
    line, place, message = found[0]
    assert place == where
    assert said in message
    assert line == line_of(old.split("\n", maxsplit=1)[0])


def test_several_mistakes_are_all_named(tmp_path: Path, tree: CategoryTree) -> None:
    found = mistakes(tmp_path, tree, "port: 8080", "port: x\n  hots: 1\n  max_body_byte: 3")
    assert [where for _, where, _ in found] == ["server.port", "server.hots", "server.max_body_byte"]
    assert [line for line, _, _ in found] == [line_of("port: 8080") + extra for extra in (0, 1, 2)]


def test_a_key_that_stands_twice_is_a_mistake(tmp_path: Path, tree: CategoryTree) -> None:
    found = mistakes(tmp_path, tree, "  port: 8080", "  port: 8080\n  port: 8081")
    assert [(where, "两次" in message) for _, where, message in found] == [("server.port", True)]


@pytest.mark.parametrize("text", ["bureau: [", "a: b: c", "\tbureau: 1", "- 1\n- 2", "x: \x07"])
def test_what_is_no_yaml_mapping_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_config(path)
    assert caught.value.mistakes


def test_a_missing_file_and_a_wrong_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CONFIG"):
        read_config(tmp_path / "none.yml")
    path = tmp_path / "config.yml"
    path.write_bytes("bureau: {name: 凤凰镇}".encode("gb18030"))
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_config(path)


def test_a_clock_time_without_quotes_is_a_time(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("quiet: 22:00\nport: 8080\n", encoding="utf-8")
    assert read_config(path).data == {"quiet": "22:00", "port": 8080}


def test_seasons_and_single_days_reach_the_calendar(tmp_path: Path, tree: CategoryTree) -> None:
    path = tmp_path / "config.yml"
    text = SHIPPED.replace(
        "    - spans: [08:30-12:00, 13:30-17:30]\n",
        "    - {from: 05-01, to: 09-30, spans: [08:30-12:00, 14:00-18:00]}\n"
        "    - {from: 10-01, to: 04-30, spans: [08:30-12:00, 13:30-17:30]}\n",
        1,
    ).replace("overrides: []", "overrides: [{date: 2026-12-31, working: false, note: 测试}]", 1)
    path.write_text(text, encoding="utf-8")
    copy_beside(tmp_path)
    calendar = load_deployment(path, tree).settings.calendar.work_calendar()
    assert calendar.spans(date(2026, 7, 1))[-1] == (14 * 60, 18 * 60)
    assert calendar.spans(date(2026, 12, 1))[-1] == (13 * 60 + 30, 17 * 60 + 30)
    assert calendar.spans(date(2026, 12, 31)) == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("postgresql://u:p@127.0.0.1:5432/x", "postgresql+asyncpg://u:p@127.0.0.1:5432/x"),
        ("postgres://u@h/x", "postgresql+asyncpg://u@h/x"),
        ("sqlite:///var/x.db", "sqlite+aiosqlite:////home/folder/var/x.db"),
        ("sqlite:////data/x.db", "sqlite+aiosqlite:////data/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:////home/folder/x.db"),
    ],
)
def test_a_database_address_as_people_write_it(written: str, meant: str) -> None:
    assert database_url(written, Path("/home/folder")) == meant
