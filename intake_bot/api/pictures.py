"""`/api/v1/pictures`: what brigades photograph. Citizens' pictures come in over their conversation."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from domain.people import Actor, Role
from intake_bot.api.problems import FieldError, Problem, bad_fields, not_found
from intake_bot.api.routes import EVERYONE, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.house import House
from intake_bot.pictures import NotAPicture, is_picture_id, keep_made_anew, picture_address
from storage.pictures import Picture, PictureDiffers

_ID = Parameter("id", "照片编号：上传者随机选取的 32 位十六进制数", place="path")


def picture_routes() -> list[Route]:
    return [
        Route(
            "PUT",
            "/api/v1/pictures/{id}",
            put_picture,
            "上传照片（JPG、PNG、WebP）；同一编号重复上传不会重复保存",
            "pictures",
            EVERYONE,
            parameters=(_ID,),
            body={"type": "string", "format": "binary"},
            body_type="image/jpeg",
            answers={
                200: ("已保存过", {"$ref": "#/components/schemas/Picture"}),
                201: ("已保存", {"$ref": "#/components/schemas/Picture"}),
            },
        ),
        Route(
            "GET",
            "/pictures/{id}",
            get_picture,
            "照片（已缩小，不含拍摄信息）",
            "pictures",
            EVERYONE,
            parameters=(_ID,),
            answers={200: ("照片", {"type": "string", "format": "binary"})},
            answer_type="image/jpeg",
        ),
    ]


async def put_picture(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    picture, fresh = await keep_picture(house, request, actor.name, house.now())
    told = {
        "id": picture.id,
        "url": picture_address(picture.id),
        "width": picture.width,
        "height": picture.height,
    }
    return json_answer(told, 201 if fresh else 200)


async def keep_picture(house: House, request: web.Request, sent_by: str, now: datetime) -> tuple[Picture, bool]:
    """Store the picture in the request's body, sent by an account or a citizen; whether it is new.

    Raises `Problem` for what is no picture, is too large, or has the id of another one.
    """
    picture_id = request.match_info["id"]
    if not is_picture_id(picture_id):
        raise bad_fields([FieldError("id", "照片编号应为 32 位十六进制数（小写）")])
    content = await _body(request, house.settings.server.max_picture_bytes)
    try:
        return await keep_made_anew(house, picture_id, content, sent_by, now)
    except NotAPicture as error:
        raise Problem(415, "not-a-picture", "照片无法使用", str(error)) from None
    except PictureDiffers:
        raise Problem(409, "picture-differs", "照片编号重复", "此编号已有另一张照片，请换一个编号重新上传") from None


async def _body(request: web.Request, most: int) -> bytes:
    """The body, which may be larger than that of other requests."""
    content = bytearray()
    async for part in request.content.iter_chunked(1 << 16):
        content += part
        if len(content) > most:
            raise Problem(413, "too-large", "照片太大", f"照片超过 {most // 1_048_576} MB，请缩小后再上传")
    return bytes(content)


async def get_picture(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    picture = await house.store.pictures.get(request.match_info["id"])
    if picture is None or not await _may_see(house, actor, picture):
        raise not_found("没有这张照片，或它所属的工单没有派给您所在的单位")
    return picture_answer(picture)


def picture_answer(picture: Picture) -> web.Response:
    """A picture never changes, but who may see it does: browsers may keep it for this person only."""
    return web.Response(
        body=picture.content,
        content_type="image/jpeg",
        headers={"Cache-Control": "private, max-age=3600"},
    )


async def _may_see(house: House, actor: Actor, picture: Picture) -> bool:
    """The sender, the desk, and a brigade that has or had a share of the ticket."""
    if actor.role is not Role.BRIGADE or picture.sent_by == actor.name:
        return True
    ticket = await house.store.tickets.get(picture.ticket_no) if picture.ticket_no else None
    return ticket is not None and any(one.unit == actor.unit for one in ticket.assignments)
