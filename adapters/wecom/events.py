"""What WeCom tells us, once it is opened: a button of a card was pressed. Other events and messages say nothing to us."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.wechat.messages import NotReadable

PRESSED = "template_card_event"
_LONGEST_KEY = 1_024


@dataclass(frozen=True, slots=True)
class Pressed:
    """Somebody pressed a button. `id` is the same when WeCom tells it again; `response_code` lets the card be changed once."""

    id: str
    user_id: str
    key: str
    response_code: str


def pressed(fields: dict[str, str]) -> Pressed | None:
    """The button that was pressed; None for anything else. Raises NotReadable where person, time or type is missing."""
    missing = [one for one in ("FromUserName", "CreateTime", "MsgType") if not fields.get(one)]
    if missing:
        raise NotReadable(f"缺少 {'、'.join(missing)}")
    if fields["MsgType"] != "event" or fields.get("Event") != PRESSED:
        return None
    user_id, task_id = fields["FromUserName"][:64], fields.get("TaskId", "")[:128]
    return Pressed(
        # WeCom numbers no events: it tells them apart by person and second.
        id=f"{user_id}:{fields['CreateTime'][:11]}:{task_id}",
        user_id=user_id,
        key=fields.get("EventKey", "")[:_LONGEST_KEY],
        response_code=fields.get("ResponseCode", "")[:512],
    )
