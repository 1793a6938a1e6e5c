"""The citizen's page in a real browser: a complaint from the first word to its number, pictures, positions, dead spots."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from browser import DESKTOP, PHONE, Site, Visitor
from PIL import Image
from service import Caller

from domain.people import Role

NUMBER = re.compile(r"FH\d{6}-\d{5}")
COMPLAINT = "恬庄街38号门口人行道上每天晚上有流动摊贩占道摆摊卖水果，路都走不了，希望管一管"
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>"\'>{{7*7}}${7*7}'


def photo(size: tuple[int, int] = (2400, 1200), *, exif: bool = True) -> bytes:
    """A picture as a phone makes it, with the camera and its position written into it."""
    picture = Image.new("RGB", size, "steelblue")
    written = io.BytesIO()
    data = Image.Exif()
    data[0x010F] = "Obviously invented maker"
    data[0x0112] = 6  # to be turned upright
    picture.save(written, "JPEG", exif=data if exif else Image.Exif())
    return written.getvalue()


async def say(visitor: Visitor, words: str) -> None:
    """Write, send, and wait for the answer."""
    page = visitor.page
    before = await page.locator("input[name=turn]").get_attribute("value")
    await page.get_by_label("说说您的问题").fill(words)
    await page.get_by_role("button", name="发送", exact=True).click()
    await page.wait_for_function("before => document.querySelector('input[name=turn]').value !== before", arg=before)


async def press(visitor: Visitor, label: str) -> None:
    page = visitor.page
    before = await page.locator("input[name=turn]").get_attribute("value")
    await page.get_by_role("group", name="可以直接选").get_by_role("button", name=label).click()
    await page.wait_for_function("before => document.querySelector('input[name=turn]').value !== before", arg=before)


async def last(visitor: Visitor) -> str:
    return "\n".join(await visitor.page.locator("#messages > .bubble").all_inner_texts())


async def told_number(visitor: Visitor) -> str:
    found = NUMBER.findall(await last(visitor))
    assert found, await last(visitor)
    return str(found[-1])


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_a_complaint_from_the_first_word_to_its_number(site: Site, size: dict[str, int]) -> None:
    visitor = await site.visitor(size)
    await visitor.goto("/")
    assert await visitor.serious_findings() == []
    await say(visitor, COMPLAINT)
    assert "摆摊" in await last(visitor)
    for answer in ("skip", "13800000000"):
        if answer == "skip":
            await press(visitor, "没有照片")
        else:
            await say(visitor, answer)
    assert await visitor.page.get_by_text("已经记下的").count() == 1
    assert await visitor.serious_findings() == []
    assert await visitor.overflow() <= 0
    await press(visitor, "提交")
    no = await told_number(visitor)
    ticket = await site.house.store.tickets.get(no)
    assert ticket is not None and ticket.complaint.reporter.phone == "13800000000"
    await visitor.page.reload()
    assert no in await last(visitor)
    # The newest bubble is in sight: nobody has to look for the answer.
    assert await visitor.page.locator("#messages > .bubble").last.is_visible()
    box = await visitor.page.locator("#messages > .bubble").last.bounding_box()
    assert box is not None and box["y"] < size["height"]


async def test_what_somebody_types_is_only_text(site: Site) -> None:
    visitor = await site.visitor(PHONE)
    await visitor.goto("/")
    title = await visitor.page.title()
    await say(visitor, HOSTILE)
    await visitor.page.reload()
    assert HOSTILE in await last(visitor)
    assert await visitor.page.title() == title
    assert await visitor.page.locator("#messages img").count() == 0


async def test_the_page_works_without_any_script(site: Site) -> None:
    visitor = await site.visitor(PHONE, java_script_enabled=False)
    await visitor.goto("/")
    for words in (COMPLAINT, "没有照片", "13800000000", "提交"):
        await visitor.page.get_by_label("说说您的问题").fill(words)
        await visitor.page.get_by_role("button", name="发送", exact=True).click()
        await visitor.page.locator("#messages").get_by_text(words).last.wait_for()
    assert await told_number(visitor)


async def test_a_dead_spot_loses_nothing_and_doubles_nothing(site: Site) -> None:
    visitor = await site.visitor(PHONE)
    visitor.expected += ["net::ERR_INTERNET_DISCONNECTED", "net::ERR_FAILED"]
    await visitor.goto("/")
    await visitor.context.set_offline(True)
    await visitor.page.get_by_label("说说您的问题").fill(COMPLAINT)
    await visitor.page.get_by_role("button", name="发送", exact=True).click()
    again = visitor.page.get_by_role("button", name="没有发出，点此重发")
    await again.wait_for()
    await visitor.context.set_offline(False)

    answered: list[Any] = []

    async def lose_the_answer(route: Any) -> None:
        answered.append(await route.fetch())  # the service did answer; the phone never hears of it
        await route.abort()

    await visitor.page.route("**/conversation", lose_the_answer)
    await again.click()
    await visitor.page.wait_for_function("() => document.querySelector('.bubble-failed') !== null")
    await visitor.page.unroute("**/conversation")
    await visitor.page.get_by_role("button", name="没有发出，点此重发").click()
    await visitor.page.wait_for_function("() => document.querySelector('.bubble-failed') === null")
    await visitor.page.wait_for_function("() => document.querySelectorAll('.dots').length === 0")
    assert answered and answered[0].status == 200
    assert (await last(visitor)).count(COMPLAINT) == 1


async def test_pictures_come_along_without_what_the_phone_wrote_into_them(site: Site) -> None:
    visitor = await site.visitor(PHONE)
    await visitor.goto("/")
    await say(visitor, COMPLAINT)
    await visitor.page.locator("#photo").set_input_files(
        [{"name": "one.jpg", "mimeType": "image/jpeg", "buffer": photo()}]
    )
    await visitor.page.locator("#messages img.thumb").wait_for()
    await say(visitor, "13800000000")
    await press(visitor, "提交")
    no = await told_number(visitor)
    ticket = await site.house.store.tickets.get(no)
    assert ticket is not None
    [attachment] = ticket.complaint.attachments
    picture = await site.house.store.pictures.get(attachment.url.removeprefix("/pictures/"))
    assert picture is not None and picture.ticket_no == no
    with Image.open(io.BytesIO(picture.content)) as kept:
        assert kept.format == "JPEG" and not dict(kept.getexif()) and max(kept.size) <= 1600
        assert kept.height > kept.width, "turned upright"
    unit = ticket.assignments[0].unit
    shares = {one.unit for one in ticket.assignments}
    uninvolved = next(code for code in ("brigade-1", "brigade-2", "brigade-3") if code not in shares)
    for colleague, status in (
        (await site.colleague(Role.OPERATOR), 200),
        (await site.colleague(Role.BRIGADE, unit, account="own.brigade"), 200),
        (await site.colleague(Role.BRIGADE, uninvolved), 404),
        (await site.visitor(), 401),
    ):
        answer = await colleague.context.request.get(site.address + attachment.url)
        assert answer.status == status
    stranger = await site.visitor()
    address = f"{site.address}/conversation/pictures/{picture.id}"
    assert (await stranger.context.request.get(address)).status == 404
    assert (await visitor.context.request.get(address)).status == 200


async def test_the_position_of_the_phone_and_a_tap_on_the_map(site: Site) -> None:
    visitor = await site.visitor(
        PHONE, geolocation={"longitude": 120.62, "latitude": 31.77}, permissions=["geolocation"]
    )
    await visitor.goto("/")
    await say(visitor, "有人在绿化带里乱倒垃圾，臭得很")
    before = await visitor.page.locator("input[name=turn]").get_attribute("value")
    await visitor.page.get_by_role("button", name="发定位").click()
    await visitor.page.wait_for_function("b => document.querySelector('input[name=turn]').value !== b", arg=before)
    assert "（发送了定位）" in await last(visitor)
    await visitor.page.get_by_role("button", name="地图选点").click()
    await visitor.page.locator("#map .leaflet-interactive").first.wait_for()
    await visitor.page.locator("#map").click(position={"x": 150, "y": 150})
    await visitor.page.get_by_role("button", name="就是这里").click()
    await visitor.page.wait_for_function("() => document.querySelectorAll('.dots').length === 0")
    assert (await last(visitor)).count("（发送了定位）") == 2


async def test_a_shared_computer_can_be_left_behind(site: Site) -> None:
    visitor = await site.visitor()
    await visitor.goto("/")
    await say(visitor, COMPLAINT)
    await visitor.page.get_by_role("button", name="清除本机上的对话").click()
    await visitor.page.wait_for_function("() => document.querySelectorAll('#messages > .bubble').length === 1")
    assert COMPLAINT not in await last(visitor)


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({"turn": "a1", "text": "你好"}, {}, 303),
        ({"turn": "a1", "text": "你好"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"turn": "a1", "text": "你好"}, {"Origin": "https://evil.example"}, 403),
        ({"text": "你好"}, {}, 422),
        ({"turn": "x" * 65, "text": "你好"}, {}, 422),
        ({"turn": "编号", "text": "你好"}, {}, 422),
        ({"turn": "a1", "longitude": "here", "latitude": "31"}, {}, 422),
        ({"turn": "a1", "longitude": "181", "latitude": "31"}, {}, 422),
        ({"turn": "a1", "longitude": "nan", "latitude": "31"}, {}, 422),
        ({"turn": "a1", "longitude": "120.62"}, {}, 422),
        ({"turn": "a1", "photos": "../../etc/passwd," + "0" * 32}, {}, 303),
        ({"turn": "a1", "text": "\x00" * 40 + "长" * 30_000}, {}, 303),
        ({"turn": "a1"}, {}, 303),
    ],
)
async def test_what_no_page_of_ours_sends_is_refused_and_harms_nothing(
    caller: Caller, form: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = await caller.client.post("/conversation", data=form, headers=headers, allow_redirects=False)
    assert answer.status == status, await answer.text()
    assert (await caller.client.get("/")).status == 200


async def test_another_persons_picture_cannot_be_sent(caller: Caller) -> None:
    mine, other = "a" * 32, "b" * 32
    path = f"/conversation/pictures/{other}"
    sent = await caller.client.put(path, data=photo(), headers={"Cookie": f"intake_visitor={'o' * 43}"})
    assert sent.status == 201
    cookie = {"Cookie": f"intake_visitor={'m' * 43}"}
    sent = await caller.client.put(f"/conversation/pictures/{mine}", data=photo(), headers=cookie)
    assert sent.status == 201
    await caller.client.post("/conversation", data={"turn": "a1", "photos": f"{other},{mine}"}, headers=cookie)
    html = await (await caller.client.get("/", headers=cookie)).text()
    assert mine in html and other not in html
    # a picture that no ticket came of is not kept for long: the draft keeps it, the dialogue without the draft says so
    later = caller.house.now() + timedelta(days=1)
    assert await caller.house.store.pictures.forget(later) == 1
    assert mine in await (await caller.client.get("/", headers=cookie)).text()
    await caller.client.post("/conversation", data={"turn": "a2", "text": "算了，不反映了"}, headers=cookie)
    assert await caller.house.store.pictures.forget(later) == 1
    html = await (await caller.client.get("/", headers=cookie)).text()
    assert mine not in html and "1 张照片没有随工单登记，已删除" in html


@pytest.mark.parametrize(
    ("picture_id", "content", "status"),
    [
        ("c" * 32, photo(), 201),
        ("C" * 32, photo(), 422),
        ("short", photo(), 422),
        ("c" * 32, b"", 415),
        ("c" * 32, b"GIF89a" + b"\x00" * 40, 415),
        ("c" * 32, photo()[:5_000], 415),
        ("c" * 32, b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
        ("c" * 32, b"%PDF-1.4", 415),
    ],
)
async def test_only_pictures_are_kept(caller: Caller, picture_id: str, content: bytes, status: int) -> None:
    answer = await caller.client.put(f"/conversation/pictures/{picture_id}", data=content)
    assert answer.status == status, await answer.text()


async def test_the_same_picture_again_is_one_and_another_one_is_refused(caller: Caller) -> None:
    path, cookie = f"/conversation/pictures/{'d' * 32}", {"Cookie": f"intake_visitor={'m' * 43}"}
    statuses = [
        (await caller.client.put(path, data=content, headers=cookie)).status
        for content in (photo(), photo(), photo((300, 300)))
    ]
    assert statuses == [201, 200, 409]
    other = {"Cookie": f"intake_visitor={'o' * 43}"}
    assert (await caller.client.put(path, data=photo(), headers=other)).status == 409


async def test_a_picture_that_is_too_large_is_refused(caller: Caller) -> None:
    most = caller.house.settings.server.max_picture_bytes
    answer = await caller.client.put(f"/conversation/pictures/{'e' * 32}", data=b"\xff" * (most + 1))
    assert answer.status == 413
