"""What administrators do and what happens to accounts, as it is kept on record. Not: what is done to tickets (`event`)."""

from __future__ import annotations

from enum import StrEnum

TOKEN_PREFIX = "token:"  # noqa: S105  (what the account of a program's token begins with; no person's account has a colon)


class Deed(StrEnum):
    """One kind of entry in the record of administration."""

    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_LOCKED = "user_locked"
    USER_UNLOCKED = "user_unlocked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    SIGNED_IN = "signed_in"
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    ABSENCES_ADDED = "absences_added"
    ABSENCE_REMOVED = "absence_removed"
    DELIVERIES_REPLAYED = "deliveries_replayed"
    MODEL_CHOSEN = "model_chosen"
    CHAIN_VERIFIED = "chain_verified"
    BACKED_UP = "backed_up"
    RESTORED = "restored"
    PERSON_EXPORTED = "person_exported"
    PERSON_ERASED = "person_erased"


DEED_NAMES: dict[Deed, str] = {
    Deed.USER_ADDED: "新建账号",
    Deed.USER_CHANGED: "修改账号",
    Deed.USER_DISABLED: "停用账号",
    Deed.USER_ENABLED: "启用账号",
    Deed.USER_LOCKED: "账号因多次输错口令锁定",
    Deed.USER_UNLOCKED: "解除锁定",
    Deed.PASSWORD_CHANGED: "本人修改口令",
    Deed.PASSWORD_RESET: "重设口令",
    Deed.SIGNED_IN: "登录",
    Deed.TOKEN_MADE: "签发令牌",
    Deed.TOKEN_REVOKED: "停用令牌",
    Deed.ABSENCES_ADDED: "登记离岗",
    Deed.ABSENCE_REMOVED: "删除离岗",
    Deed.DELIVERIES_REPLAYED: "重发通知",
    Deed.MODEL_CHOSEN: "改用模型",
    Deed.CHAIN_VERIFIED: "校验留痕",
    Deed.BACKED_UP: "备份数据库",
    Deed.RESTORED: "从备份恢复",
    Deed.PERSON_EXPORTED: "导出个人信息",
    Deed.PERSON_ERASED: "清除个人信息",
}
