"""Keeping personal data out of what is kept for ever or shown to many: masking of numbers and names in texts."""

from __future__ import annotations

import re

_NUMBER = re.compile(
    r"(?P<kept>(?<![A-Za-z0-9])[A-Z]{1,6}\d{6}-\d{5,}(?!\d)"  # our own ticket numbers
    r"|(?<!\d)(?:19|20)\d\d-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12]\d|3[01])(?![\d-])"  # dates
    r"|(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\d-]))"
    r"|\d(?:[ -]?\d){5,}[ -]?[\dXx]"
)


def masked_text(text: str) -> str:
    """A free text with every run of seven or more digits (phone, identity or card number) reduced to its ends.

    Digits may stand in groups, `138 0000 1234` or `0512-12345678`. Dates and our ticket numbers stay: results name them.
    """
    return _NUMBER.sub(lambda found: found[0] if found["kept"] else f"{found[0][:3]}****{found[0][-2:]}", text)


def masked_phone(phone: str) -> str:
    """`13800001234` → `138****1234`; of shorter numbers less is shown, and short ones are hidden whole."""
    if len(phone) >= 11:
        return f"{phone[:3]}****{phone[-4:]}"
    return f"{phone[:2]}****{phone[-2:]}" if len(phone) >= 7 else "*" * len(phone)


def masked_name(name: str) -> str:
    """`张三丰` → `张**`; a single character is hidden too."""
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*" * len(name)
