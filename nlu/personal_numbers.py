"""Phone, identity and bank-card numbers in a text, as spans, so that they can be masked wherever the text is shown."""

from __future__ import annotations

import re

from domain.understanding import PersonalNumber

READ_CHARACTERS = 20_000
"""Numbers further on in a text are not looked for here (`domain.privacy.masked_text` masks any length)."""

MOST_NUMBERS = 50

_DATE = r"20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
"""Written without a stroke (20261124): as long as a local telephone number, and far more often meant."""

_NUMBER = re.compile(
    r"(?<!\d)(?:"
    r"(?P<identity>\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx])(?!\d)"
    r"|(?P<phone>(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)|0\d{2,3}[- ]?\d{7,8}(?!\d)"
    rf"|(?!{_DATE}(?!\d))[2-8]\d{{6,7}}(?![\d.年月元]))"
    r"|(?P<bank_card>\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)))"
)


def find(text: str, folded: str) -> tuple[PersonalNumber, ...]:
    """Personal numbers by position. `folded`: the read part of the text, digits as 0: shows quickly that there are none."""
    if "0000" not in folded and len(text) == len(folded):
        return ()
    found = []
    for match in _NUMBER.finditer(text, 0, READ_CHARACTERS):
        found.append(PersonalNumber(match.lastgroup or "", match.start(), match.end()))
        if len(found) >= MOST_NUMBERS:
            break
    return tuple(found)
