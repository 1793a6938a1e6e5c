"""The benchmark sends what it says: each complaint a ticket of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from adapters.channel import Channel
from bench.load import bodies
from intake_bot.settings import load_deployment
from nlu.categories import load_categories

ROOT = Path(__file__).parents[2]


def test_every_complaint_of_every_array_has_a_number_of_its_own() -> None:
    """A hyphen in a number would make them re-handlings of one ticket, and the benchmark measure something else."""
    channel = Channel(load_deployment(ROOT / "config.yml", load_categories()).settings.channels["12345"])
    read = [
        channel.read(member, datetime.now(UTC))
        for seed in (1, 11)
        for body in bodies(["路灯不亮"], 12, 11, seed)
        for member in channel.members(body)[0]
    ]
    assert len({one.source_no for one in read}) == len(read) == 2 * 12 * 11
    assert {one.source_version for one in read} == {0}
