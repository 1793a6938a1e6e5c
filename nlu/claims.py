"""What a platform's class code is worth beside the words of a text. Which labels a code means is its user's business."""

from __future__ import annotations

import math

CODE_RELIABILITY = 0.9
"""How often a platform's class code names the right leaf, as far as words do not tell."""

MOST_CODES = 4
"""More class codes than this on one complaint are not weighed."""


def bonus_of_code(meant: int, labels: int) -> float:
    """The log-odds that a code lends each of the `meant` labels, of `labels` in all, that it leaves open: the fewer they
    are, the more it says. 0 for a code that means none of them or all."""
    others = labels - meant
    if not meant or not others:
        return 0.0
    return max(math.log(CODE_RELIABILITY / (1 - CODE_RELIABILITY) * others / meant), 0.0)
