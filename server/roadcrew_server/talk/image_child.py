"""A process that makes one image anew: `python -P image_child.py MEDIA MAX_PIXELS`, the image on standard input.

It reads what a stranger sent, so it is a process of its own that may be killed, with bounds on its time and memory,
that can open no file and no connection once it has begun. Not for deciding what is done with what comes out, nor for
anything of ours: it imports the standard library and Pillow alone, and never runs in the server.

On standard output: a line of JSON, `{width, height, media, full, thumb}` (the last two in bytes), and both images; or
`{refused}`, a sentence.
"""

from __future__ import annotations

import io
import json
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
FULL = 2_048
"""Pixels of the longer side of an image as it is kept."""
THUMB = 320
"""Pixels of the longer side of a thumbnail."""
MAX_PNG = 2 * 1024 * 1024
"""Bytes of an image that is kept as PNG; a larger one is a photograph."""
QUALITY = 85
CPU_SECONDS = 10
BASE_MEMORY = 384 * 1024 * 1024
"""Bytes for Python and its libraries, most of them only mapped."""
BYTES_PER_PIXEL = 20
"""What decoding, turning and converting take at the most, all at once."""
ORIENTATION = 0x0112
"""The EXIF tag that says which side was up."""


class CantUse(Exception):
    """The image is refused; says why, to who sent it."""


def bound(max_pixels: int) -> None:
    """From here on, so much memory and time. Windows has no such bounds, where the server's clock alone ends it, and
    macOS takes none of memory, where the number of pixels is what bounds it."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not everywhere

    memory = BASE_MEMORY + max_pixels * BYTES_PER_PIXEL
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def shut() -> None:
    """From here on nothing is opened any more, no file and no connection, and no file may grow."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not everywhere

        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def make(data: bytes, media: str, max_pixels: int) -> tuple[dict[str, object], bytes, bytes]:
    """The image upright, no larger than `FULL`, and its thumbnail: pixels and nothing else. Raises `CantUse`."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - after the bounds

    Image.MAX_IMAGE_PIXELS = max_pixels  # WebP asks this before it takes the memory
    name = FORMATS[media]
    too_many = f"The image has too many pixels: at most {max_pixels:,} are taken."
    try:
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            if image.width * image.height > max_pixels:
                raise CantUse(too_many)
            # A JPEG may have a second picture for brighter screens; the first is the one that was taken.
            frames = 1 if name == "JPEG" else getattr(image, "n_frames", 1)
            if frames > 1:
                raise CantUse(f"The image is animated ({frames:,} frames). Send one that stands still.")
            if name == "JPEG":
                image.draft("RGB", (FULL, FULL))
            upright = _upright(_plain(image), _turned(image))
    except Image.DecompressionBombError:
        raise CantUse(too_many) from None
    except UnidentifiedImageError:
        raise CantUse(f"That is not the {name} that it is said to be.") from None
    upright.thumbnail((FULL, FULL), Image.Resampling.LANCZOS)
    thumb = upright.copy()
    thumb.thumbnail((THUMB, THUMB), Image.Resampling.LANCZOS)
    kept, full = _encoded(upright, name)
    facts = {"width": upright.width, "height": upright.height, "media": kept}
    return facts, full, _saved(thumb, kept)


def _plain(image: Picture) -> Picture:
    """Its pixels as RGB, or RGBA where some are transparent, and nothing of what else was in the file."""
    if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off rather than scale
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    transparent = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    plain = image.convert("RGBA" if transparent else "RGB")
    if transparent and plain.getchannel("A").getextrema()[0] == 255:
        plain = plain.convert("RGB")
    plain.info = {}
    return plain


def _turned(image: Picture) -> int:
    """How the camera was held, as EXIF has it; 1 (upright) where that can't be read."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - EXIF can be broken in as many ways as there are cameras
        return 1


def _upright(image: Picture, held: int) -> Picture:
    from PIL.Image import Transpose  # noqa: PLC0415

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[held]) if held in turns else image


def _encoded(image: Picture, name: str) -> tuple[str, bytes]:
    """Screenshots and drawings as PNG, photographs as JPEG."""
    if name != "JPEG":
        png = _saved(image, "image/png")
        if len(png) <= MAX_PNG:
            return "image/png", png
    return "image/jpeg", _saved(image, "image/jpeg")


def _saved(image: Picture, media: str) -> bytes:
    """As a file; what is transparent becomes white where a format has no such thing."""
    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    if media == "image/png":
        image.save(out, "PNG")
        return out.getvalue()
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def answer(media: str, max_pixels: int, data: bytes) -> bytes:
    """What goes to standard output."""
    try:
        facts, full, thumb = make(data, media, max_pixels)
    except CantUse as error:
        return _refused(str(error))
    except MemoryError:
        return _refused("The image takes more memory to read than an image may.")
    except (OSError, ValueError, SyntaxError, RuntimeError, OverflowError, struct.error, EOFError, ArithmeticError):
        return _refused(f"The image is broken: it can't be read as {FORMATS[media]}.")
    head = json.dumps({**facts, "full": len(full), "thumb": len(thumb)}).encode()
    return head + b"\n" + full + thumb


def _refused(sentence: str) -> bytes:
    return json.dumps({"refused": sentence}).encode() + b"\n"


def rehearse(media: str) -> None:
    """Make an image of our own anew, so that all that Pillow imports only when it needs it is there."""
    from PIL import Image, MpoImagePlugin  # noqa: F401, PLC0415 - a JPEG may be of the second kind

    held = Image.Exif()
    held[ORIENTATION] = 6
    for mode in ("RGB", "RGBA", "P"):
        if mode != "RGB" and media == "image/jpeg":
            break
        sample = io.BytesIO()
        Image.new(mode, (2, 1)).save(sample, FORMATS[media], exif=held)
        make(sample.getvalue(), media, 2)


def main() -> None:
    """The process."""
    media, max_pixels = sys.argv[1], int(sys.argv[2])
    bound(max_pixels)
    rehearse(media)
    shut()
    data = sys.stdin.buffer.read()
    sys.stdout.buffer.write(answer(media, max_pixels, data))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
