"""Template cards of WeCom as `message/send` and `message/update_template_card` take them. Not: what a card says of a task.

Lengths are those that WeCom's documentation recommends; what is longer is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LONGEST_TITLE = 36
_LONGEST_TEXT = 160
_LONGEST_NAME = 5
_LONGEST_VALUE = 30
_LONGEST_BUTTON = 10
_LONGEST_SOURCE = 20
_MOST_LINES = 6
REPEAT_SECONDS = 1_800
"""For so long WeCom drops a message that it was sent before."""


@dataclass(frozen=True, slots=True)
class Button:
    """What can be pressed; `key` comes back to us."""

    words: str
    key: str


@dataclass(frozen=True, slots=True)
class Card:
    """One card: where it comes from, its heading, what it says, and the page that it opens.

    `lines` are name and value. With a `button` it can be answered in WeCom itself; without one it is only read.
    """

    source: str
    title: str
    link: str
    text: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    button: Button | None = None


def message(card: Card, user_id: str, agent_id: int, task_id: str) -> dict[str, Any]:
    """The body that sends a card to one person. `task_id` must be new: letters, digits, `_-@`, at most 128."""
    return {
        "touser": user_id,
        "msgtype": "template_card",
        "agentid": agent_id,
        "template_card": _template(card, task_id),
        "enable_duplicate_check": 1,
        "duplicate_check_interval": REPEAT_SECONDS,
    }


def replacement(card: Card, user_id: str, agent_id: int, task_id: str, response_code: str) -> dict[str, Any]:
    """The body that puts another card in place of the one that somebody pressed a button of."""
    return {**_addressed(user_id, agent_id, response_code), "template_card": _template(card, task_id)}


def settled(words: str, user_id: str, agent_id: int, response_code: str) -> dict[str, Any]:
    """The body that turns the buttons of a card into a word that cannot be pressed."""
    return {**_addressed(user_id, agent_id, response_code), "button": {"replace_name": words[:_LONGEST_BUTTON]}}


def _addressed(user_id: str, agent_id: int, response_code: str) -> dict[str, Any]:
    return {"userids": [user_id], "agentid": agent_id, "response_code": response_code}


def _template(card: Card, task_id: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "card_type": "text_notice" if card.button is None else "button_interaction",
        "source": {"desc": _cut(card.source, _LONGEST_SOURCE)},
        "main_title": {"title": _cut(card.title, _LONGEST_TITLE)},
        "horizontal_content_list": [
            {"keyname": _cut(name, _LONGEST_NAME), "value": _cut(value, _LONGEST_VALUE)}
            for name, value in card.lines[:_MOST_LINES]
        ],
        "card_action": {"type": 1, "url": card.link},
    }
    if card.text:
        made["sub_title_text"] = _cut(card.text, _LONGEST_TEXT)
    if card.button is not None:
        made["task_id"] = task_id
        made["button_list"] = [
            {"text": _cut(card.button.words, _LONGEST_BUTTON), "style": 1, "key": card.button.key},
            {"text": "查看", "style": 2, "type": 1, "url": card.link},
        ]
    return made


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
