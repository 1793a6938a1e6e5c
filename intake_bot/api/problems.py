"""RFC 9457 problem details: every refusal says what was wrong, where, and what to do, in Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from domain.lifecycle import Forbidden, Incomplete, NotAllowed
from storage.store import VersionConflict

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: its name as the sender wrote it, and a sentence that says what would be right."""

    field: str
    message: str


@dataclass(eq=False)  # neither frozen nor with slots: an exception takes its traceback along
class Problem(Exception):
    """A refusal. Raise it anywhere under a request; the middleware turns it into the answer.

    `kind` is the last part of the problem's type (`/problems/{kind}`, described in `docs/problems.md`), `extra` further
    members of the answer, such as `allowed` for an action that is not.
    """

    status: int
    kind: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "type": f"/problems/{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            answer["errors"] = [{"field": one.field, "message": one.message} for one in self.errors]
        answer.update(self.extra)
        return answer

    def response(self) -> web.Response:
        return web.Response(
            body=msgspec.json.encode(self.body()),
            status=self.status,
            headers={"Content-Type": CONTENT_TYPE, **self.headers},
        )


def bad_fields(errors: Sequence[FieldError], detail: str = "") -> Problem:
    """422: the message could be read, but fields of it cannot be used."""
    return Problem(422, "bad-fields", "内容有误", detail or "；".join(one.message for one in errors[:5]), errors)


def unreadable(detail: str) -> Problem:
    """400: the body itself cannot be read."""
    return Problem(400, "unreadable", "无法读取", detail)


def not_found(detail: str) -> Problem:
    return Problem(404, "not-found", "没有找到", detail)


def busy(detail: str, retry_after: int = 5) -> Problem:
    """503: nothing was taken; send it again later."""
    return Problem(503, "busy", "暂时不能受理", detail, headers={"Retry-After": str(retry_after)})


@contextmanager
def lifecycle_refusals(no: str) -> Iterator[None]:
    """What the life cycle refuses of the ticket `no`, answered: 403, 409 with the actions that are allowed, 422; 412 where it
    has changed meanwhile."""
    try:
        yield
    except Forbidden as error:
        raise Problem(403, "forbidden", "没有权限", str(error)) from None
    except NotAllowed as error:
        extra = {"allowed": list(error.allowed)}
        raise Problem(409, "not-allowed", "现在不能这样做", str(error), extra=extra) from None
    except Incomplete as error:
        raise bad_fields([FieldError(name, message) for name, message in error.problems]) from None
    except VersionConflict:
        raise Problem(
            412, "changed-meanwhile", "工单已被他人更新", f"工单 {no} 已有新的变化，请重新打开后再操作"
        ) from None
