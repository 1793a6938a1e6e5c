"""The rule that passwords follow, the same for the API, the pages and the command line; and one-time passwords."""

from __future__ import annotations

import secrets

SHORTEST = 10
RULE = f"至少 {SHORTEST} 位，并含大写字母、小写字母、数字、符号中的三类，不能含有账号"


def is_good(password: str, account: str) -> bool:
    """Whether a password follows the rule."""
    kinds = sum(any(test(char) for char in password) for test in (str.islower, str.isupper, str.isdigit, _is_sign))
    return len(password) >= SHORTEST and kinds >= 3 and account.lower() not in password.lower()


def one_time_password() -> str:
    """A password that must be changed at the first sign-in."""
    return secrets.token_urlsafe(12)


def _is_sign(char: str) -> bool:
    return not char.isalnum()
