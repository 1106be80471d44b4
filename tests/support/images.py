"""Images as people send them, good and bad, made here so that none lie about in the repository."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image, PngImagePlugin

MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SECRET = b"52.5163 N, 13.3777 E"


def encoded(image: Image.Image, form: str = "PNG", **more: Any) -> bytes:
    """An image as a file."""
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def drawn(width: int = 64, height: int = 48, colour: Any = (200, 40, 40)) -> Image.Image:
    """Plain, but for its upper left quarter, which is blue."""
    image = Image.new("RGB", (width, height), colour)
    image.paste((30, 60, 220), (0, 0, width // 2, height // 2))
    return image


def png(**more: Any) -> bytes:
    """A small PNG; equal for equal arguments."""
    return encoded(drawn(**more))


def noise(width: int, height: int) -> Image.Image:
    """What compresses badly."""
    return Image.effect_noise((width, height), 80).convert("RGB")


def opened(data: bytes) -> Image.Image:
    """An image that came back."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def told(form: str) -> bytes:
    """An image that says where it was taken and much else: EXIF with a position, XMP, ICC, comments, text chunks."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = SECRET.decode()
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (52.0, 30.0, 58.0), "E", (13.0, 22.0, 39.0)
    more: dict[str, Any] = {"exif": exif, "icc_profile": b"profile " + SECRET}
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", SECRET.decode(), zip=True)
        more["pnginfo"] = text
    elif form == "JPEG":
        more |= {"comment": SECRET, "xmp": SECRET}
    else:
        more["xmp"] = SECRET
    return encoded(drawn(), form, **more)


def animated(form: str, frames: int) -> bytes:
    """Many pictures in one file; no two alike, or they would be one."""
    pictures = [Image.new("RGB", (4, 4), (n % 256, n // 256, 99 * (n % 2))) for n in range(frames)]
    return encoded(pictures[0], form, save_all=True, append_images=pictures[1:])


def png_of(width: int, height: int, chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A PNG from its chunks, after a header that says what it likes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says it is `side` pixels wide and high, all black; its rows are there."""
    squeeze = zlib.compressobj(9)
    rows = squeeze.compress(bytes(1024 * 1024)) + squeeze.flush()
    return png_of(side, side, [(b"IDAT", rows)])


def webp_bomb(side: int) -> bytes:
    """The beginning of a WebP that says it is `side` pixels wide and high."""
    canvas = bytes(4) + (side - 1).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def text_bomb(mib: int) -> bytes:
    """A small PNG with a text that becomes so large when it is read."""
    text = b"Comment\0\0" + zlib.compress(bytes(mib * 1024 * 1024), 9)
    return png_of(1, 1, [(b"zTXt", text)] * 8 + [(b"IDAT", zlib.compress(b"\0\1\2\3"))])
