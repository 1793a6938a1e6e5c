"""Does a reply answer? What a 答复 lacks, says wrongly or gives away, each with the reason and how to mend it.

Advice for the person who is about to send it, by words and figures alone: nothing is blocked, nothing is learnt, and whether
what the reply says is true is not judged. The word lists are in `replies.yml`; how well this agrees with a person's
judgement is in `docs/reply-check.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.complaint import Kind
from nlu import reply_asked, reply_leaks
from nlu.reply_words import Reply, read

SHORTEST = 40
"""A reply of fewer characters can hardly say when, what and how."""

LONGEST = 2_000
"""A reply of more characters is not read to the end by anybody."""

MOST_SPANS = 10

CODES = (
    "empty", "forwarded_only", "turned_away", "template", "no_facts", "no_outcome", "no_date", "bare_denial",
    "no_legal_basis", "question_unanswered", "matter_untouched", "disrespect", "contradiction", "too_short", "too_long",
    "no_contact", "no_phone", *reply_leaks.CODES,
)  # fmt: skip
"""All codes that a finding may have; `docs/reply-check.md` says what each means."""


class Severity(StrEnum):
    """`advice`: would be better; `serious`: should be mended before it goes out."""

    ADVICE = "advice"
    SERIOUS = "serious"


class Verdict(StrEnum):
    """`mend` as soon as one finding is serious."""

    GOOD = "good"
    MEND = "mend"


@dataclass(frozen=True, slots=True)
class ReplyFinding:
    """One thing to look at. `reason`: Chinese, what is missing or wrong and how to mend it.

    `spans`: (start, end) in characters of the reply, at most ten; empty where something is missing.
    """

    code: str
    severity: Severity
    reason: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyCheck:
    """All findings, serious ones first, each code once."""

    verdict: Verdict
    findings: tuple[ReplyFinding, ...]


def check_reply(complaint_text: str, kind: Kind, reply: str, names: Sequence[str] = ()) -> ReplyCheck:
    """What is to be mended in a reply before it goes out.

    `names`: names that must not stand in it, first of all the reporter's. Any strings are taken; of a very long one the
    first 20,000 characters are read. Never raises.
    """
    read_reply = read(complaint_text, reply)
    findings = list(_substance(read_reply, kind))
    if not findings:  # of an empty reply nothing more is to be said
        findings += _answer(complaint_text, read_reply, kind)
    findings += _form(read_reply)
    findings += [_leak(leak) for leak in reply_leaks.find(complaint_text, reply, names)]
    findings.sort(key=lambda finding: finding.severity is Severity.ADVICE)
    serious = any(finding.severity is Severity.SERIOUS for finding in findings)
    return ReplyCheck(Verdict.MEND if serious else Verdict.GOOD, tuple(findings))


def _serious(code: str, reason: str, spans: Iterable[tuple[int, int]] = ()) -> ReplyFinding:
    return ReplyFinding(code, Severity.SERIOUS, reason, tuple(spans)[:MOST_SPANS])


def _advice(code: str, reason: str, spans: Iterable[tuple[int, int]] = ()) -> ReplyFinding:
    return ReplyFinding(code, Severity.ADVICE, reason, tuple(spans)[:MOST_SPANS])


def _leak(leak: reply_leaks.Leak) -> ReplyFinding:
    return _serious(leak.code, leak.reason, leak.spans)


def _substance(reply: Reply, kind: Kind) -> Iterable[ReplyFinding]:
    """Replies that say nothing: at most one finding."""
    if not reply.text.strip():
        yield _serious("empty", "答复是空的：请写明何时核实、查到什么、怎样处理、结果如何。")
    elif _is_forwarded(reply):
        yield _serious(
            "forwarded_only",
            "只写了转给其他部门，没有答复内容：请写明由谁承办、何时答复；已有办理结果的，写出事实、措施和结果。",
            reply.spans("forwarded"),
        )
    elif _is_turned_away(reply):
        yield _serious(
            "turned_away",
            "只让市民另找别处或另行提供情况：请先答复能够答复的内容；确需转办或补充材料的，写明已做了什么、缺什么、找谁、电话多少。",
            reply.spans("turned_away"),
        )
    elif reply.substance < 30 and not reply.details and not reply.count("legal_basis", "explained"):
        yield _serious(
            "empty",
            "除问候、感谢和表态外没有实际内容：请写明何时核实、查到什么、采取了什么措施、结果如何或何时办完。",
            reply.spans("hollow"),
        )
    elif kind is not Kind.CONSULTATION and _is_template(reply):
        yield _serious(
            "template",
            "像是套话，换到别的工单上也能用：请写出本件的地点、时间、查到的情况和已经做了的事，不要只写打算。",
            reply.spans("hollow"),
        )


def _is_forwarded(reply: Reply) -> bool:
    """Little is left beside the clause that says to whom it went."""
    if not reply.spans("forwarded") or reply.details:
        return False
    if reply.substance < 30:
        return True
    return reply.substance < 60 and not reply.count("done", "checked", "results", "legal_basis")


def _is_turned_away(reply: Reply) -> bool:
    return (
        bool(reply.spans("turned_away"))
        and reply.substance < 95
        and len(reply.details) <= 2
        and not reply.count("results", "done")
        and reply.count("procedures") <= 2
    )


def _is_template(reply: Reply) -> bool:
    """Short, and nothing in it that only this case could have: no finding, no act done, no figure, no date."""
    if reply.substance < 40 and len(reply.details) <= 1 and not reply.count("denials"):
        return True
    if reply.count("done", "checked", "denials"):
        return False
    if reply.substance < 60 and len(reply.details) <= 1:
        return True
    vague = not reply.details and not reply.dated
    return reply.substance < 100 and vague and reply.count("explained", "refusals") < 2


def _answer(complaint_text: str, reply: Reply, kind: Kind) -> Iterable[ReplyFinding]:
    yield from _facts_and_outcome(reply, kind)
    yield from _denial_and_refusal(reply)
    unanswered = reply_asked.unanswered(complaint_text, kind, reply)
    if unanswered.questions:
        shown = "、".join(f"“{question}”" for question in unanswered.questions)
        thin = reply.substance < 120 and len(reply.details) <= 1
        make = _serious if kind is Kind.CONSULTATION and unanswered.most_questions and thin else _advice
        yield make("question_unanswered", f"没有回答市民问的{shown}：请逐一回答，暂时答不了的写明何时能答。")
    if unanswered.matters:
        shown = "、".join(f"“{matter}”" for matter in unanswered.matters)
        yield _advice("matter_untouched", f"市民反映的{shown}，答复没有提到：请逐项写明情况，不归本单位的写明归谁。")


def _facts_and_outcome(reply: Reply, kind: Kind) -> Iterable[ReplyFinding]:
    consultation = kind is Kind.CONSULTATION
    told = reply.count("explained", "results", "done") + (reply.count("procedures") if consultation else 0)
    no_facts = not reply.details and not reply.count("checked") and told < 2
    if no_facts:
        yield _advice("no_facts", "没有写查到的事实：请写明何时、何地、由谁核实，看到什么情况（数量、时间、依据）。")
    if consultation:  # its outcome is the answer to what was asked
        return
    if reply.count("results", "done", "refusals", "denials") or reply.count("explained") >= 2:
        return
    acted = bool(reply.count("measures"))
    thin = reply.substance < (100 if acted else 150) and not (acted and reply.dated)
    if not acted and (thin or (no_facts and not reply.dated)):
        yield _serious(
            "no_outcome", "没有写措施、结果或期限：请写明采取了什么措施、结果如何；没有办完的，写明何时办完。"
        )
    elif thin or (no_facts and not reply.dated):
        yield _serious(
            "no_outcome", "写了措施，没有写结果，也没有写何时办完：请补上结果或期限。", reply.spans("measures")
        )
    elif not reply.dated:
        yield _advice("no_date", "没有写结果，也没有写何时办完：请补上结果或期限。")


def _denial_and_refusal(reply: Reply) -> Iterable[ReplyFinding]:
    denials = reply.spans("denials")
    if denials and reply.substance < 150 and len(reply.details) <= 1 and not reply.count("checked", "done"):
        yield _serious(
            "bare_denial",
            "只作否认，没有写根据：请写明何时、怎样核查，查看了什么，为什么得出这个结论。",
            denials,
        )
    refusals = reply.spans("refusals")
    if refusals and not reply.count("legal_basis"):
        yield _advice(
            "no_legal_basis", "写了不予办理，没有写依据：请写明依据的法律、文件或政策，并告知其他途径。", refusals
        )


def _form(reply: Reply) -> Iterable[ReplyFinding]:
    rude = reply.spans("disrespect")
    if rude:
        yield _serious("disrespect", "用语不尊重市民：请只写事实和依据，不评价提出诉求的人。", rude)
    solved, not_yet = reply.spans("all_solved"), reply.spans("not_yet")
    if solved and not_yet:
        yield _advice(
            "contradiction",
            "前面说已经解决，又说还没有：请核对，分清哪些已经办完、哪些没有办完、何时办完。",
            sorted([*solved, *not_yet]),
        )
    if reply.text.strip() and len(reply.text.strip()) < SHORTEST:
        yield _advice("too_short", f"答复不足 {SHORTEST} 个字：请补充核实情况、措施和结果。")
    if len(reply.text) > LONGEST:
        yield _advice("too_long", f"答复超过 {LONGEST} 个字：请先写结论，删去与诉求无关的内容。")
    contacted = reply.spans("contacted")
    if not contacted:
        yield _advice(
            "no_contact", "没有写与市民联系的情况：请写明何时、以什么方式联系了市民；联系不上的，写明联系过几次。"
        )
    elif not reply.dated:
        yield _advice("no_contact", "写了与市民联系，没有写何时联系：请补上日期。", contacted)
    if not reply.has_phone:
        yield _advice("no_phone", "没有留咨询电话：请写明承办单位的办公电话，方便市民再问。")
