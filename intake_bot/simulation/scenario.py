"""What the simulated platforms do and when: a scenario as people write it, and the plan that follows from it and a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from domain.platform import Said
from intake_bot.config_file import spelled
from intake_bot.section import Section
from intake_bot.simulation.bodies import BODIES, matters
from intake_bot.simulation.manners import MANNERS
from intake_bot.wording import in_chinese

Share = Field(default=0.0, ge=0, le=1)


class Outage(Section):
    """A time, in seconds from the beginning, in which a platform cannot be reached."""

    start: float = Field(alias="from", ge=0)
    end: float = Field(alias="to", gt=0)
    how: Literal["refuse", "503"] = "503"

    @model_validator(mode="after")
    def _in_order(self) -> Outage:
        if self.end <= self.start:
            raise ValueError("停机的 to 应晚于 from")
        return self


class Slow(Section):
    """The share of reports that are answered only after some seconds."""

    share: float = Field(ge=0, le=1)
    seconds: float = Field(gt=0, le=120)


class PlatformScenario(Section):
    """The habits of one platform. Shares are of its tickets, `rejects` and `refuses_extensions` of the reports concerned."""

    weight: float = Field(default=1.0, ge=0, le=1_000)
    repeats: float = Share
    late: float = Share
    disordered: float = Share
    urges: float = Share
    asks: float = Share
    recalls: float = Share
    again: float = Share
    rejects: float = Share
    refuses_extensions: float = Share
    silent: float = Share
    down: tuple[Outage, ...] = ()
    slow: Slow | None = None


class Scenario(Section):
    """Everything that is played. `settle_seconds`: how long reports are still waited for after the last sending.

    `silent` tickets are in a platform's ledger and are never sent: what a lost message leaves behind.
    """

    seconds: float = Field(default=10.0, gt=0, le=3_600)
    rate: float = Field(default=2.0, gt=0, le=2_000)
    settle_seconds: float = Field(default=0.0, ge=0, le=3_600)
    platforms: dict[str, PlatformScenario] = Field(default_factory=dict)
    others: PlatformScenario = Field(default_factory=PlatformScenario)

    def of(self, channel: str) -> PlatformScenario:
        """A platform's habits; those of `others` where it has none of its own."""
        return self.platforms.get(channel, self.others)


class BadScenario(Exception):
    """A scenario file that cannot be used; the message says why, in Chinese."""


def read_scenario(path: Path, channels: Sequence[str]) -> Scenario:
    """The scenario of a YAML file. Raises BadScenario."""
    try:
        scenario = Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError:
        raise BadScenario(f"读不到场景文件 {path}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise BadScenario(f"场景文件 {path} 不是可用的 YAML（UTF-8）") from None
    except ValidationError as error:
        places = "；".join(f"{spelled(one['loc'])} {in_chinese(one)}".strip() for one in error.errors())
        raise BadScenario(f"场景文件 {path} 有误：{places}") from None
    unknown = [one for one in scenario.platforms if one not in channels]
    if unknown:
        raise BadScenario(f"场景文件 {path} 中没有这些渠道：{'、'.join(unknown)}；可用：{'、'.join(channels)}")
    return scenario


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a platform does at a moment (seconds from the beginning): send a ticket, or say something of one.

    `repeated`: the ticket was sent before. `withheld`: it only enters the ledger.
    """

    at: float
    channel: str
    number: str
    body: dict[str, Any]
    said: Said | None = None
    repeated: bool = False
    withheld: bool = False


def plan(
    scenario: Scenario, adapters: Mapping[str, str], texts: Sequence[str], choice: random.Random, first: int
) -> list[Step]:
    """Every step of a scenario, by time. The same seed and first number give the same plan."""
    following = matters(texts, choice, start=first)
    codes = sorted(adapters)
    weights = [scenario.of(code).weight for code in codes]
    if not any(weights):
        raise BadScenario("场景中所有渠道的 weight 都是 0，没有可发送的")
    steps: list[Step] = []
    sent: dict[str, list[Step]] = {code: [] for code in codes}
    for index in range(max(1, int(scenario.rate * scenario.seconds))):
        at = index / scenario.rate
        code = choice.choices(codes, weights)[0]
        habits = scenario.of(code)
        if sent[code] and choice.random() < habits.repeats:
            steps.append(replace(choice.choice(sent[code]), at=at, repeated=True))
            continue
        matter = following()
        if choice.random() < habits.late:
            matter = replace(matter, at=matter.at - timedelta(hours=choice.randint(3, 40)))
        body = BODIES[adapters[code]](matter, choice)
        step = Step(at, code, str(body[MANNERS[adapters[code]].ticket_number]), body)
        if choice.random() < habits.silent:
            steps.append(replace(step, withheld=True))
            continue
        steps += _around(step, habits, adapters[code], choice)
        sent[code].append(step)
    return sorted(steps, key=lambda one: one.at)


def _around(step: Step, habits: PlatformScenario, adapter: str, choice: random.Random) -> list[Step]:
    """A ticket with what its platform says of it: before it where things come out of order, else after it."""
    if choice.random() < habits.disordered:
        return [replace(step, said=Said.URGED), replace(step, at=step.at + 0.5)]
    found = [step]
    for share, said in (
        (habits.urges, Said.URGED),
        (habits.asks, Said.PROGRESS_ASKED),
        (habits.recalls, Said.RECALLED),
    ):
        if choice.random() < share:
            found.append(replace(step, at=step.at + choice.uniform(0.3, 2.0), said=said))
    if choice.random() < habits.again and adapter == "hotline_12345":
        number = MANNERS[adapter].ticket_number
        body = step.body | {number: f"{step.number}-01"}
        found.append(replace(step, at=step.at + 2.5, body=body, repeated=True))
    return found
