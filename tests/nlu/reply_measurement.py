"""How far the reply check agrees with the judgements in `reply_judgements.csv`; run it to print the table.

The texts are not in the project: they are read from `shared/data` beside it, where that exists. Before they are
checked, what the publisher of the set made unreadable is made readable again: the invented province 楚 of the plates and
the telephone numbers of zeros.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from domain.complaint import Kind
from nlu.replies import ReplyCheck, Severity, Verdict, check_reply

MESSAGES = Path(__file__).parents[2] / "../shared/data/messages_with_replies.csv"
JUDGEMENTS = Path(__file__).with_name("reply_judgements.csv")

SAYS_NOTHING = frozenset({"empty", "forwarded_only", "turned_away", "template"})
_ZEROS = re.compile(r"(?<![A-Za-z0-9])(?:(?:0\d{3}[-－—]*)?0{4}[-－—]?0{4,8}|0{7,})(?![.\d平])")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one question: how often both, only the check, only the person, neither found a fault."""

    both: int
    check_only: int
    person_only: int
    neither: int

    @property
    def precision(self) -> float:
        return self.both / max(1, self.both + self.check_only)

    @property
    def recall(self) -> float:
        return self.both / max(1, self.both + self.person_only)

    @property
    def f1(self) -> float:
        return 2 * self.both / max(1, 2 * self.both + self.check_only + self.person_only)

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond what chance alone would give."""
        rows = self.both + self.check_only + self.person_only + self.neither
        observed = (self.both + self.neither) / rows
        checked, judged = self.both + self.check_only, self.both + self.person_only
        chance = (checked * judged + (rows - checked) * (rows - judged)) / rows**2
        return (observed - chance) / (1 - chance) if chance < 1 else 0.0


def judgements(part: str | None = None) -> list[dict[str, str]]:
    """The judged rows: `tune`, `held`, or all."""
    with JUDGEMENTS.open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if part in {None, row["part"]}]


def messages() -> list[dict[str, str]]:
    """All messages with their replies, in the file's order. Raises FileNotFoundError when the data is not there."""
    with MESSAGES.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def measure(part: str | None = None) -> dict[str, Agreement]:
    """Question → agreement. Raises ValueError when a judged reply is not the one that was judged."""
    texts = messages()
    pairs: list[tuple[dict[str, bool], dict[str, bool]]] = []
    for row in judgements(part):
        message = texts[int(row["row"])]
        if hashlib.sha256(message["reply"].encode()).hexdigest()[:12] != row["reply_hash"]:
            raise ValueError(f"row {row['row']} is not the reply that was judged")
        complaint = f"{message['title']}。{message['content']}"
        pairs.append((found(check_reply(complaint, Kind(row["kind"]), readable(message["reply"]))), judged(row)))
    return {
        question: _agreement([(check[question], person[question]) for check, person in pairs]) for question in QUESTIONS
    }


QUESTIONS = ("verdict", "answers", "no_answer_at_all", "facts", "outcome", "empty", "leak", "denial", "tone")


def found(check: ReplyCheck) -> dict[str, bool]:
    """What the check finds at fault, in the words of the judgements."""
    codes = {finding.code for finding in check.findings}
    serious = {finding.code for finding in check.findings if finding.severity is Severity.SERIOUS}
    nothing = bool(codes & SAYS_NOTHING)
    return {
        "verdict": check.verdict is Verdict.MEND,
        "answers": nothing or bool(codes & {"question_unanswered", "matter_untouched"}),
        "no_answer_at_all": nothing or "question_unanswered" in serious,
        "facts": nothing or "no_facts" in codes,
        "outcome": nothing or "no_outcome" in codes,
        "empty": bool(codes & {"empty", "forwarded_only"}),
        "leak": any(code.startswith("leak_") for code in codes),
        "denial": "bare_denial" in codes,
        "tone": "disrespect" in codes,
    }


def judged(row: dict[str, str]) -> dict[str, bool]:
    """What the person found at fault."""
    return {
        "verdict": row["verdict"] == "mend",
        "answers": row["answers"] != "yes",
        "no_answer_at_all": row["answers"] == "no",
        "facts": row["facts"] == "no",
        "outcome": row["outcome"] == "no",
        **{question: row[question] == "yes" for question in ("empty", "leak", "denial", "tone")},
    }


def readable(reply: str) -> str:
    """A reply with numbers and plates that look like numbers and plates again."""
    return _ZEROS.sub("0731-82000000", reply.replace("楚", "湘"))


def _agreement(pairs: Iterable[tuple[bool, bool]]) -> Agreement:
    seen = list(pairs)
    return Agreement(
        both=seen.count((True, True)),
        check_only=seen.count((True, False)),
        person_only=seen.count((False, True)),
        neither=seen.count((False, False)),
    )


def table(agreements: dict[str, Agreement]) -> str:
    """A Markdown table."""
    lines = ["| question | faults judged | precision | recall | F1 | kappa |", "|---|---|---|---|---|---|"]
    for question, one in agreements.items():
        figures = " | ".join(f"{figure:.2f}" for figure in (one.precision, one.recall, one.f1, one.kappa))
        lines.append(f"| {question} | {one.both + one.person_only} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    for name in ("tune", "held"):
        print(f"{name}: {len(judgements(name))} rows\n\n{table(measure(name))}\n")
