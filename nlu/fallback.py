"""When to leave a failing peer alone: a circuit breaker that waits longer each time and lets one call through to see.

It counts and decides; whom it guards and what answers instead is its user's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds."""


class Breaker:
    """Closed: every call may go. Open: none, until the wait is over; then one, whose outcome closes it or doubles the wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds, rising."""
        self._clock = clock
        self._wait = 0.0  # 0: closed
        self._until = 0.0
        self._probing = False

    @property
    def is_closed(self) -> bool:
        return self._wait == 0.0

    @property
    def wait(self) -> float:
        """Seconds of the present wait, counted from the failure; 0 when closed."""
        return self._wait

    def admits(self) -> bool:
        """Whether a call may go now. Whoever gets True must tell `succeeded`, `failed` or `unclear` afterwards."""
        if self.is_closed:
            return True
        if self._probing or self._clock() < self._until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """A call was answered as it should be."""
        self._wait, self._probing = 0.0, False

    def failed(self) -> None:
        """A call was not answered. Calls that were under way when the first one failed do not lengthen the wait."""
        if not self.is_closed and not self._probing:
            return
        self._wait = min(max(FIRST_WAIT, 2 * self._wait), LONGEST_WAIT)
        self._until = self._clock() + self._wait
        self._probing = False

    def unclear(self) -> None:
        """A call ended without a verdict (it was given up here): the next one may look again."""
        self._probing = False
