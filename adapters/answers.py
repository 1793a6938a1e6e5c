"""What a platform says after it has sent a ticket, read by a map as data: later messages, and answers to our reports.

Each adapter brings its map in `actions.yml`. Not: what the words change (`domain.platform`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters import values
from adapters.problems import FieldProblem, Refused, Unfit
from adapters.times import DEFAULT_FORMATS, TimeFormats
from domain.platform import SAID_NAMES, PlatformMessage, Said, Satisfaction, Solved

LONGEST_WORDS = 2_000
LONGEST_NUMBER = 64
LONGEST_REASON = 300
"""Characters kept of a platform's reason for not taking a report."""

T = TypeVar("T")


class WordsSettings(BaseModel):
    """A field whose words mean one of a few things."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: str = Field(alias="from", min_length=1, description="来源字段名")


class SolvedSettings(WordsSettings):
    """Whether the citizen finds it solved."""

    values: dict[str, Literal["yes", "partly", "no"]] = Field(
        min_length=1, description="来源用词到 yes 已解决、partly 部分解决、no 未解决"
    )


class SatisfactionSettings(WordsSettings):
    """Whether the citizen is satisfied."""

    values: dict[str, Literal["satisfied", "basically", "unsatisfied"]] = Field(
        min_length=1, description="来源用词到 satisfied 满意、basically 基本满意、unsatisfied 不满意"
    )


class ActionsSettings(BaseModel):
    """The platform's later messages about a ticket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str = Field(min_length=1, description="消息编号字段；同一编号再次发来不会重复执行")
    action: str = Field(min_length=1, description="动作字段")
    words: dict[str, Said] = Field(
        min_length=1,
        description=f"动作用词到本系统的动作：{'、'.join(f'{one} {name}' for one, name in SAID_NAMES.items())}",
    )
    text: str = Field(default="", description="说明文字字段；不填则没有")
    said_at: str = Field(default="", description="时间字段；不填则没有")
    solved: SolvedSettings | None = Field(default=None, description="是否解决")
    satisfaction: SatisfactionSettings | None = Field(default=None, description="是否满意")


class ReceiptSettings(BaseModel):
    """How the platform answers a report of ours, beside the HTTP status."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(min_length=1, description="结果代码字段")
    taken: tuple[str, ...] = Field(min_length=1, description="表示已接收的代码，其余代码表示不接收")
    message: str = Field(default="", description="不接收的原因字段；不填则没有")

    @field_validator("taken", mode="before")
    @classmethod
    def _as_words(cls, written: Any) -> Any:
        """Codes are compared as text, however they are written."""
        return tuple(values.spelled(one) for one in written) if isinstance(written, list | tuple) else written


class ActionReader:
    """A compiled map of messages. Reading changes nothing in it."""

    def __init__(self, settings: ActionsSettings, zone: ZoneInfo) -> None:
        self.settings = settings
        self._number = values.number_reader(LONGEST_NUMBER)
        self._text = values.text_reader(LONGEST_WORDS)
        self._said = values.choice_reader(settings.words, keep=False)
        self._solved = values.choice_reader(settings.solved.values if settings.solved else {}, keep=False)
        self._satisfaction = values.choice_reader(
            settings.satisfaction.values if settings.satisfaction else {}, keep=False
        )
        self._times = TimeFormats(DEFAULT_FORMATS, zone)

    def read(self, fields: Mapping[str, object], *, number: str = "") -> PlatformMessage:
        """The message; `number` is used where it has none. Raises `Refused` naming every bad field."""
        settings, problems = self.settings, list[FieldProblem]()

        def read(label: str, name: str, reader: Callable[[object], T], missing: T | None = None) -> T | None:
            value = fields.get(name) if name else None
            if value is None or (isinstance(value, str) and not value.strip()):
                return missing
            try:
                return reader(value)
            except Unfit as error:
                problems.extend(
                    FieldProblem(name + fault.at, f"{label}（{name}）{fault.message}", fault.code)
                    for fault in error.faults
                )
                return missing

        own = read("消息编号", settings.number, self._number, number)
        said = read("动作", settings.action, self._said)
        text = read("说明", settings.text, self._text, "")
        said_at = read("时间", settings.said_at, lambda value: self._times.parse(value)[0])
        solved = read("是否解决", settings.solved.from_ if settings.solved else "", self._solved, "")
        satisfaction = read(
            "是否满意", settings.satisfaction.from_ if settings.satisfaction else "", self._satisfaction, ""
        )
        bad = {one.field for one in problems}
        for label, name, value in (("消息编号", settings.number, own), ("动作", settings.action, said)):
            if not value and name not in bad:
                problems.append(FieldProblem(name, f"{label}（{name}）必填，不能为空", "missing"))
        if problems:
            raise Refused(problems)
        return PlatformMessage(
            number=str(own),
            said=Said(str(said)),
            text=text or "",
            solved=cast(Solved, solved or ""),
            satisfaction=cast(Satisfaction, satisfaction or ""),
            said_at=said_at,
        )

    def speaks(self, fields: Mapping[str, object]) -> bool:
        """Whether an answer to a report of ours also says something of the ticket."""
        return values.spelled(fields.get(self.settings.action)) in {values.spelled(one) for one in self.settings.words}

    def schema(self, title: str) -> dict[str, Any]:
        """The JSON schema of a message, for OpenAPI."""
        settings = self.settings
        text = {"type": ["string", "number"]}
        properties: dict[str, Any] = {
            settings.number: {**text, "description": "消息编号"},
            settings.action: {**text, "description": "动作：" + "、".join(settings.words)},
        }
        if settings.text:
            properties[settings.text] = {"type": ["string", "null"], "description": "说明", "maxLength": LONGEST_WORDS}
        if settings.said_at:
            properties[settings.said_at] = {"type": ["string", "number", "null"], "description": "时间"}
        for label, one in (("是否解决", settings.solved), ("是否满意", settings.satisfaction)):
            if one is not None:
                told = f"{label}：{'、'.join(one.values)}"
                properties[one.from_] = {"type": ["string", "number", "null"], "description": told}
        return {
            "type": "object",
            "title": title,
            "required": [settings.number, settings.action],
            "properties": properties,
        }


def refusal(settings: ReceiptSettings, fields: Mapping[str, object]) -> str:
    """Why the platform does not take a report, in its own words; empty where it takes it, or does not say."""
    code = values.spelled(fields.get(settings.code))
    if not code or code in settings.taken:
        return ""
    said = fields.get(settings.message) if settings.message else None
    return (str(said).strip() if said else f"平台回答代码 {code}")[:LONGEST_REASON]
