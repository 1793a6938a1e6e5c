"""Small talk and questions to us: greetings, thanks, what we can do, what the question file answers."""

from __future__ import annotations

from dataclasses import replace

from intake_bot.conversation.asking import Desk, Step
from intake_bot.conversation.hearing import Heard
from intake_bot.conversation.state import Stage, State
from intake_bot.conversation.turns import Message

WELCOME = "我是智能接待，不是真人。可以在这里反映问题、咨询、查办理进度；任何时候都可以说“人工”。"


def greet(state: State, heard: Heard, desk: Desk) -> Step:
    if state.stage is Stage.IDLE or state.stage is Stage.CASE:
        return Step(state, (Message(f"您好，这里是{desk.bureau}。{WELCOME}\n请直接说遇到了什么问题。"),))
    return Step(state, (Message("您好，我在。"),))


def abilities(state: State, heard: Heard, desk: Desk) -> Step:
    return Step(state, (Message(f"{WELCOME}\n反映问题只要说清是什么事、在哪里，我会一步步问您，登记后给您工单编号。"),))


def thank(state: State, heard: Heard, desk: Desk) -> Step:
    return Step(state, (Message("不客气。" if state.stage in _OPEN else "不客气，应该的。还有什么事随时说。"),))


def part(state: State, heard: Heard, desk: Desk) -> Step:
    if state.stage in _OPEN:
        return Step(state, (Message("好的。"),))
    return Step(replace(state, stage=Stage.IDLE, question=""), (Message("好的，再见。有事随时找我们。"),))


_OPEN = frozenset(Stage) - {Stage.IDLE, Stage.CASE, Stage.ANSWERED}
"""Stages at which a question of ours waits."""


def nothing_to_cancel(state: State, heard: Heard, desk: Desk) -> Step:
    return Step(replace(state, stage=Stage.IDLE, question=""), (Message("好的。以后有事随时找我们。"),))


def answer(state: State, heard: Heard, desk: Desk) -> Step:
    """A question that the question file answers; in the middle of something else, that goes on afterwards."""
    assert heard.answer is not None
    entry = heard.answer.entry
    said = Message(f"{entry.answer}\n（来源：{entry.source}）", "result")
    if state.drafts:
        return Step(state, (said,))
    return Step(replace(state, stage=Stage.ANSWERED, question=heard.text), (said,))


def helped(state: State, heard: Heard, desk: Desk) -> Step:
    return Step(replace(state, stage=Stage.IDLE, question=""), (Message("好的，还有什么可以随时问。"),))


def unclear(state: State, heard: Heard, desk: Desk) -> Step:
    """Nothing, or signs only."""
    if state.stage in _OPEN:
        return Step(state)
    return Step(state, (Message("没有收到文字。请说说遇到了什么问题、在什么地方；也可以发照片或定位。"),))


def not_understood(state: State, heard: Heard, desk: Desk) -> Step:
    """An answer that fits no question, or a button of an earlier moment: the question stands."""
    return Step(state, (Message("这一步我没有看明白。"),))
