"""The outbox reaches real peers over HTTP and SMTP: once when they answer, again when they fail, parked when they never do."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import aiohttp
import pytest
import town
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from parts import drafted, report_schedule, take
from service import Caller, sample

from intake_bot.delivery import Delivery
from supervision.reports.schedule import MadeReport

# apprise imports a module that Python 3.13 no longer has, where it is still there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@dataclass
class Platform:
    """A peer that keeps what a platform is told and what notices our own people get, and answers as it is asked to.

    `said`: the body of its next answer, in the pieces in which it goes out.
    """

    server: TestServer
    answers: list[int] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.server.make_url("/feedback"))


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async def feedback(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if "Idempotency-Key" in request.headers:
            peer.told.append((request.headers["Idempotency-Key"], body))
        else:
            peer.notices.append(body)
        response = web.StreamResponse(status=peer.answers.pop(0) if peer.answers else 200)
        await response.prepare(request)
        while peer.said:
            await response.write(peer.said.pop(0))
            await asyncio.sleep(0.05)
        return response

    app = web.Application()
    app.router.add_post("/feedback", feedback)
    async with TestServer(app) as server:
        peer = Platform(server)
        yield peer


def delivering(caller: Caller, platforms: dict[str, str], attempts: int = 12) -> Delivery:
    settings = caller.house.settings.delivery.model_copy(update={"platforms": platforms, "attempts": attempts})
    return Delivery(caller.house, settings)


async def accepted(caller: Caller) -> str:
    """A ticket of 12345, accepted by its brigade: that is reported to the platform."""
    told = (await caller.send("12345", sample("12345"))).body
    token = await caller.new_token("brigade", told["brigade"]["code"])
    await caller.act(told["ticket_no"], "accept", token)
    return str(told["ticket_no"])


async def test_the_platform_is_told_in_its_own_words_once(caller: Caller, platform: Platform) -> None:
    no = await accepted(caller)
    delivery = delivering(caller, {"12345": platform.address})
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass
    assert len(platform.told) == 1
    _, body = platform.told[0]
    assert (body["orderNum"], body["unitOrderNum"], body["orderStateName"]) == (
        sample("12345")["orderNum"],
        no,
        "办理中",
    )
    assert "13800000000" not in str(body)
    counts = await caller.house.store.outbox.counts()
    assert counts["waiting"] == 0
    assert counts["delivered"] == 1
    assert counts["parked"] >= 1, "nobody configured where our own people are told"


async def test_a_refusal_is_read_to_its_end_in_however_many_pieces_it_comes(caller: Caller, platform: Platform) -> None:
    no = await accepted(caller)
    platform.said = [b'{"success": false, ', b'"code": "400", "message": "', "承办单位不存在".encode(), b'"}']
    await told_everything(delivering(caller, {"12345": platform.address}))
    assert len(platform.told) == 1
    outbox = (await caller.get("/api/v1/outbox")).body
    assert outbox["delivered"] == 0
    assert [one["error"] for one in outbox["latest"] if one["ticket_no"] == no and "平台" in one["error"]] == [
        "平台没有接收：承办单位不存在"
    ]


async def test_a_failure_is_tried_again_with_the_same_key(
    caller: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accepted(caller)
    platform.answers = [500, 200]
    delivery = delivering(caller, {"12345": platform.address})
    real_now = caller.house.now()
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass
        assert len(platform.told) == 1
        assert (await caller.house.store.outbox.counts())["waiting"] == 1
        monkeypatch.setattr(type(caller.house), "now", lambda self: real_now + timedelta(hours=2))
        while await delivery.deliver_due(session):
            pass
    assert [key for key, _ in platform.told] == [platform.told[0][0]] * 2
    assert (await caller.house.store.outbox.counts())["waiting"] == 0


async def test_what_never_gets_through_is_parked(caller: Caller) -> None:
    await accepted(caller)
    delivery = delivering(caller, {"12345": "http://127.0.0.1:9/feedback"}, attempts=1)
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass
    counts = await caller.house.store.outbox.counts()
    assert (counts["waiting"], counts["delivered"]) == (0, 0)
    assert counts["parked"] >= 1


@dataclass
class MailServer:
    """A mail server that keeps what it is given."""

    received: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 OK"


@pytest.fixture
def mail_server(unused_tcp_port: int) -> Iterator[MailServer]:
    keeper = MailServer(port=unused_tcp_port)
    controller = Controller(keeper, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    yield keeper
    controller.stop()


def telling(caller: Caller, monkeypatch: pytest.MonkeyPatch, **addresses: str) -> Delivery:
    """A delivery that knows where brigades (`brigade_1`) and people (`d1`) are told."""
    units: dict[str, str] = {}
    people: dict[str, str] = {}
    for name, address in addresses.items():
        monkeypatch.setenv(f"NOTIFY_{name.upper()}", address)
        code = name.replace("_", "-")
        (units if code.startswith("brigade") else people)[code] = f"NOTIFY_{name.upper()}"
    settings = caller.house.settings.delivery.model_copy(update={"units": units, "people": people, "attempts": 2})
    return Delivery(caller.house, settings)


async def made_reports(caller: Caller) -> Sequence[MadeReport]:
    """The reports of a day, a week and a month, none of them told yet; nothing else waits to be told."""
    store = caller.house.store
    await take(store, replace(drafted("S1", now=town.at("2026-10-20 09:00")), notices=()))
    return await report_schedule(store).make_due(town.at("2026-11-02 07:30"))


async def told_everything(delivery: Delivery) -> None:
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass


async def test_a_brigade_is_told_of_a_new_ticket_without_the_reporters_data(
    caller: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (await caller.send("12345", sample("12345"))).body
    unit = str(told["brigade"]["code"])
    address = platform.address.replace("http://", "json://")
    await told_everything(telling(caller, monkeypatch, **{unit.replace("-", "_"): address}))
    assert platform.notices, "its handler is told"
    assert {one["title"] for one in platform.notices} == {f"【新派单】{told['ticket_no']}"}
    assert "13800000000" not in str(platform.notices)


async def test_a_notice_is_tried_again_until_it_gets_through(
    caller: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made_reports(caller)
    delivery = telling(caller, monkeypatch, d1=platform.address.replace("http://", "json://"))
    platform.answers = [500]
    await told_everything(delivery)
    assert (await caller.house.store.outbox.counts())["waiting"] == 1
    later = caller.house.now() + timedelta(hours=2)
    monkeypatch.setattr(type(caller.house), "now", lambda self: later)
    await told_everything(delivery)
    counts = await caller.house.store.outbox.counts()
    assert (counts["waiting"], counts["parked"]) == (0, 0)
    first = platform.notices[0]["title"]
    assert sorted(one["title"] for one in platform.notices).count(first) == 2, (
        "the refused one again, with all the others"
    )
    assert len(platform.notices) == counts["delivered"] + 1


async def test_a_report_comes_with_its_files(
    caller: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    (*_, month) = await made_reports(caller)
    await told_everything(telling(caller, monkeypatch, d1=platform.address.replace("http://", "json://")))
    notice = next(one for one in platform.notices if one["title"] == f"【统计报告】{month.title}")
    assert month.text in notice["message"]
    sent = {one["filename"]: b64decode(one["base64"]) for one in notice["attachments"]}
    assert sent == {name: one.content for name, one in zip(month.file_names, month.reports, strict=True)}


async def test_a_report_comes_by_mail(caller: Caller, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (*_, month) = await made_reports(caller)
    address = f"mailto://127.0.0.1:{mail_server.port}/?from=desk@example.invalid&to=head@example.invalid&mode=insecure"
    await told_everything(telling(caller, monkeypatch, d1=address))
    mail = next(one for one in mail_server.received if one["Subject"] == f"【统计报告】{month.title}")
    files = {one.get_filename(): one.get_payload(decode=True) for one in mail.iter_attachments()}
    assert files == {name: one.content for name, one in zip(month.file_names, month.reports, strict=True)}
    assert (await caller.house.store.outbox.counts())["waiting"] == 0


async def test_an_address_that_cannot_be_read_is_said_and_parked(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await made_reports(caller)
    await told_everything(telling(caller, monkeypatch, d1="不是地址"))
    counts = await caller.house.store.outbox.counts()
    assert (counts["waiting"], counts["delivered"], counts["parked"]) == (0, 0, len(made))
