"""How each upstream platform behaves: what it asks of a report, how it answers one, how it words its later messages.

Written from the platforms' side and apart from the adapters on purpose, so that each checks the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.platform import Said

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manners:
    """One platform. Field names are its own.

    `ticket_number`: the number's field in what it sends. `number`, `unit_number`, `state`, `text`, `days`: fields of a
    report. `states`: its state codes and what each stands for. `longest`: characters of a report's text. `answer`: its answer
    to a report, from the reason against it (empty: taken) to status and body. `message`: a later message, from number, word
    and text. `listed`: its list of tickets, as its ledger gives it.
    """

    ticket_number: str
    number: str
    unit_number: str
    state: str
    text: str
    days: str
    required: tuple[str, ...]
    states: Mapping[str, str]
    longest: int
    answer: Callable[[str], tuple[int, Body]]
    message: Callable[[str, str, str], Body]
    words: Mapping[Said, str]
    listed: Callable[[list[Body], int], Body]

    def problem(self, report: Body) -> str:
        """Why the platform would not take a report; empty where it would."""
        for name in self.required:
            if not str(report.get(name, "")).strip():
                return f"{name} 不能为空"
        standing = self.states.get(str(report[self.state]))
        if standing is None or standing in {"sent", "recalled"}:
            return f"{self.state} 取值 {report[self.state]} 不允许"
        text = str(report.get(self.text, ""))
        if len(text) > self.longest:
            return f"{self.text} 超过 {self.longest} 字"
        if standing in {"resolved", "extending", "rejected", "referred"} and not text.strip():
            return f"{self.text} 不能为空"
        if standing == "extending" and self.days and not isinstance(report.get(self.days), int):
            return f"{self.days} 应为天数"
        return ""


def _success(reason: str) -> tuple[int, Body]:
    code = "400" if reason else "200"
    return 200, {"success": not reason, "code": code, "message": reason or "成功"}


def _errcode(reason: str) -> tuple[int, Body]:
    return 200, {"errcode": 40001 if reason else 0, "errmsg": reason or "ok"}


def _status(reason: str) -> tuple[int, Body]:
    return (422, {"status": "rejected", "reason": reason}) if reason else (200, {"status": "ok"})


def _result(reason: str) -> tuple[int, Body]:
    return (422, {"result": "rejected", "message": reason}) if reason else (200, {"result": "ok"})


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


MANNERS: Mapping[str, Manners] = {
    "hotline_12345": Manners(
        ticket_number="orderNum",
        number="orderNum",
        unit_number="unitOrderNum",
        state="orderState",
        text="content",
        days="delayDays",
        required=("orderNum", "unitOrderNum", "orderState", "orderStateName", "organizationName", "replyTime"),
        states={
            "20": "sent",
            "30": "handling",
            "31": "handling",
            "50": "extending",
            "51": "handling",
            "60": "resolved",
            "80": "closed",
            "81": "merged",
            "82": "recalled",
            "90": "referred",
            "91": "rejected",
        },
        longest=1_000,
        answer=_success,
        message=lambda number, word, text: {
            "messageId": number,
            "actionType": word,
            "opinion": text,
            "actionTime": _now("%Y-%m-%d %H:%M:%S"),
        },
        words={
            Said.URGED: "70",
            Said.PROGRESS_ASKED: "71",
            Said.EXTENSION_APPROVED: "52",
            Said.EXTENSION_REFUSED: "53",
            Said.RESULT_REJECTED: "61",
            Said.RECALLED: "82",
            Said.CLOSED: "80",
        },
        listed=lambda items, total: {"code": "200", "data": {"list": items, "total": total}},
    ),
    "hotline_12319": Manners(
        ticket_number="AJBH",
        number="AJBH",
        unit_number="CZDH",
        state="AJZT",
        text="CZYJ",
        days="YQTS",
        required=("AJBH", "CZDH", "AJZT", "CZDW", "CZSJ"),
        states={
            "2": "sent",
            "3": "handling",
            "5": "extending",
            "6": "resolved",
            "7": "closed",
            "8": "merged",
            "9": "referred",
            "0": "rejected",
            "10": "recalled",
        },
        longest=500,
        answer=_errcode,
        message=lambda number, word, text: {"XXBH": number, "CZLX": word, "YJ": text, "SJ": _now("%Y%m%d%H%M%S")},
        words={
            Said.URGED: "催办",
            Said.PROGRESS_ASKED: "进度查询",
            Said.EXTENSION_APPROVED: "延期批准",
            Said.EXTENSION_REFUSED: "延期不批准",
            Said.RESULT_REJECTED: "核查不通过",
            Said.RECALLED: "撤销立案",
            Said.CLOSED: "结案",
        },
        listed=lambda items, total: {"errcode": 0, "rows": items, "total": total},
    ),
    "hotline_12369": Manners(
        ticket_number="reportNo",
        number="reportNo",
        unit_number="handleNo",
        state="status",
        text="replyContent",
        days="extendDays",
        required=("reportNo", "handleNo", "status", "handleUnit", "handleTime"),
        states={
            "accepted": "sent",
            "investigating": "handling",
            "extending": "extending",
            "replied": "resolved",
            "closed": "closed",
            "merged": "merged",
            "transferred": "referred",
            "rejected": "rejected",
            "withdrawn": "recalled",
        },
        longest=2_000,
        answer=_status,
        message=lambda number, word, text: {
            "msgNo": number,
            "type": word,
            "reason": text,
            "time": _now("%Y-%m-%d %H:%M:%S"),
        },
        words={
            Said.URGED: "urge",
            Said.PROGRESS_ASKED: "query",
            Said.EXTENSION_APPROVED: "extendApproved",
            Said.EXTENSION_REFUSED: "extendRefused",
            Said.RESULT_REJECTED: "replyRejected",
            Said.RECALLED: "withdrawn",
            Said.CLOSED: "closed",
        },
        listed=lambda items, total: {"status": "ok", "reports": items, "total": total},
    ),
    "e_steward": Manners(
        ticket_number="id",
        number="id",
        unit_number="ticketNo",
        state="status",
        text="message",
        days="",
        required=("id", "ticketNo", "status", "statusText", "unit", "updatedAt"),
        states={
            "submitted": "sent",
            "handling": "handling",
            "resolved": "resolved",
            "closed": "closed",
            "merged": "merged",
            "referred": "referred",
            "rejected": "rejected",
            "cancelled": "recalled",
        },
        longest=500,
        answer=_result,
        message=lambda number, word, text: {
            "eventId": number,
            "event": word,
            "message": text,
            "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        },
        words={
            Said.URGED: "remind",
            Said.PROGRESS_ASKED: "ask",
            Said.RESULT_REJECTED: "reject",
            Said.RECALLED: "cancel",
        },
        listed=lambda items, total: {"items": items, "count": total},
    ),
}
"""Adapter → its platform."""
