"""What can be wrong with what a channel sent, named so that the sender can put it right. Not: how it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BODY = "(正文)"
"""The field name of a problem that concerns a member as a whole."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One bad field: its name as the sender writes it, a Chinese sentence, and a short English code of the fault.

    Codes: missing, type, format, value, range, length, nul, unreadable.
    """

    field: str
    message: str
    code: str


class Refused(Exception):
    """A member that cannot become a complaint, with every bad field of it."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("；".join(one.message for one in problems))
        self.problems = list(problems)


class Unreadable(Exception):
    """A body or file of which nothing can be read; `str()` is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value does not fit. `at` is the place inside it, such as `[2].url`; `message` follows the field's name."""

    message: str
    code: str
    at: str = ""


class Unfit(Exception):
    """Raised by the readers of single values; becomes `FieldProblem`s where the field's name is known."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults)
        self.faults = faults


def unfit(message: str, code: str, at: str = "") -> Unfit:
    return Unfit(Fault(message, code, at))


def quoted(value: object) -> str:
    """A value as it may stand in a message: short, on one line, in Chinese quotes."""
    if type(value) is int and value.bit_length() > 256:
        return "“(过长的数字)”"
    text = "".join(sign if sign.isprintable() else " " for sign in str(value)[:41])
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def type_name(value: object) -> str:
    """What a JSON value is, in Chinese."""
    if value is None:
        return "空值"
    if isinstance(value, bool):
        return "真假值"
    if isinstance(value, int | float):
        return "数字"
    if isinstance(value, str):
        return "文字"
    return "数组" if isinstance(value, list) else "对象"
