"""How often somebody calls, counted in this process, so that one caller leaves room for the others.

Not: guessing, which must be counted for all processes together (`storage.sign_in_misses`, `storage.look_ups`).
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import StrEnum

from intake_bot.guard_settings import RateLimitSettings

MOST_CALLERS = 20_000
"""Callers that are remembered; of more, those are forgotten who called longest ago."""
MINUTE = 60.0


class Rate(StrEnum):
    """What is counted, each under the setting of its name: by address, by account, or by channel."""

    SIGN_IN = "sign_in"
    CONVERSATION = "conversation"
    PICTURES = "pictures"
    LOOK_UPS = "look_ups"
    OPEN311_POSTS = "open311_posts"
    ACCOUNT = "account"
    CHANNEL = "channel"


RATE_NAMES: Mapping[Rate, str] = {
    Rate.SIGN_IN: "此地址的登录",
    Rate.CONVERSATION: "此地址的对话",
    Rate.PICTURES: "此地址上传照片",
    Rate.LOOK_UPS: "此地址的查询",
    Rate.OPEN311_POSTS: "此地址的提交",
    Rate.ACCOUNT: "此账号或令牌的请求",
    Rate.CHANNEL: "此渠道的来件",
}
"""How the refusal calls what there was too much of."""


class Rates:
    """A leaky bucket for each caller: a minute's worth may come at once, then one at a time as it drains.

    Of each caller one number is kept, when the bucket will be empty, so that memory is bounded by MOST_CALLERS.
    """

    def __init__(self, settings: RateLimitSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._most: dict[Rate, int] = {rate: getattr(settings, rate.value) for rate in Rate}
        self._clock = clock
        self._empty_at: OrderedDict[tuple[Rate, str], float] = OrderedDict()

    def take(self, rate: Rate, caller: str) -> int:
        """Count one call. 0 where it may go on; else the whole seconds until one may, and nothing is counted."""
        most = self._most[rate]
        if most == 0:
            return 0
        now, key = self._clock(), (rate, caller)
        filled_to = max(self._empty_at.get(key, now), now) + MINUTE / most
        if filled_to - now > MINUTE * (1 + 1e-9):
            return math.ceil(filled_to - now - MINUTE) or 1
        self._empty_at[key] = filled_to
        self._empty_at.move_to_end(key)
        if len(self._empty_at) > MOST_CALLERS:
            self._empty_at.popitem(last=False)
        return 0

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._empty_at)
