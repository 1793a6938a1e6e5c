"""Every scripted conversation goes as it is written: dull ones and hostile ones."""

from __future__ import annotations

import pytest
from conversation.played_scripts import Play, Script, scripts

from intake_bot.house import House

ALL = list(scripts())
ON_BOTH = [one for one in ALL if one.name.startswith("a_")]


def test_there_are_enough_scripts_and_none_is_empty() -> None:
    assert len(ALL) >= 60
    assert len({one.name for one in ALL}) == len(ALL)
    for one in ALL:
        assert any(line.startswith("市民") for _, line in one.lines), one.name
        assert any(not line.startswith(("市民", "过", "坐席")) for _, line in one.lines), f"{one.name} expects nothing"


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("script", ALL, ids=lambda one: one.name)
async def test_a_script(house: House, script: Script) -> None:
    await Play(house, script).run()


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("script", ON_BOTH[:4], ids=lambda one: one.name)
async def test_a_script_on_postgresql(house: House, script: Script) -> None:
    await Play(house, script).run()
