"""Pictures as we keep them: made anew from what was sent, so that nothing but the picture itself remains.

Position, time, device and everything else that a phone writes into a file is gone, and so is whatever hides in it.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from PIL import Image, ImageOps, UnidentifiedImageError

from intake_bot.house import House
from storage.pictures import Picture

LONGEST_SIDE = 1_600
"""Pixels: enough to read a shop sign, small enough for a phone far from the town."""
MOST_PIXELS = 80_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 82
_FOLDER = "/pictures/"
_at_work = ThreadPoolExecutor(2, "picture")
"""A picture opened takes hundreds of megabytes, and anybody may send many at once: two are opened, the others wait."""
_ID = re.compile(r"[0-9a-f]{32}")


class NotAPicture(Exception):
    """What was sent cannot be kept as a picture; the message says why, in Chinese."""


def is_picture_id(written: str) -> bool:
    """Ids are 32 hexadecimal digits, chosen at random by the sender."""
    return _ID.fullmatch(written) is not None


def picture_address(picture_id: str) -> str:
    """Where staff find a picture, and what a ticket keeps of it."""
    return f"{_FOLDER}{picture_id}"


async def pictures_belong(house: House, ticket_no: str, addresses: Iterable[str]) -> None:
    """Pictures of ours among these addresses belong to the ticket from now on: its brigade may see them."""
    own = [one.removeprefix(_FOLDER) for one in addresses if one.startswith(_FOLDER)]
    if own:
        await house.store.pictures.belong(own, ticket_no)


async def keep_made_anew(
    house: House, picture_id: str, content: bytes, sent_by: str, now: datetime
) -> tuple[Picture, bool]:
    """Make a picture anew and store it; whether it is new. Raises NotAPicture, PictureDiffers."""
    made, width, height = await asyncio.get_running_loop().run_in_executor(_at_work, made_anew, content)
    picture = Picture(picture_id, made, width, height, sent_by, now)
    return picture, await house.store.pictures.keep(picture)


def made_anew(content: bytes) -> tuple[bytes, int, int]:
    """The picture as JPEG with its width and height. Raises NotAPicture. Slow: call it in a thread."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as found:
            if found.width * found.height > MOST_PIXELS:
                raise NotAPicture(f"照片过大（{found.width}×{found.height} 像素），请缩小后再上传")
            found.draft("RGB", (LONGEST_SIDE * 2, LONGEST_SIDE * 2))
            upright = ImageOps.exif_transpose(found)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            flat = _on_white(upright)
    except UnidentifiedImageError:
        raise NotAPicture("这不是 JPG、PNG 或 WebP 照片，请重新选择") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise NotAPicture("照片已损坏，无法打开，请重新拍摄或选择") from None
    written = io.BytesIO()
    flat.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue(), flat.width, flat.height


def _on_white(picture: Image.Image) -> Image.Image:
    """JPEG knows no transparency."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    ground = Image.new("RGB", picture.size, "white")
    layer = picture.convert("RGBA")
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground
