"""Images of strangers are made anew in a process that may be killed: upright, in bounded time and room, and with
nothing left of what else was in the file."""

import asyncio
import io
import os
import textwrap
from pathlib import Path

import pytest
from PIL import Image
from tests.support import images
from tests.support.people import eventually

from roadcrew_server.problems import Problem
from roadcrew_server.talk.darkroom import AT_ONCE, WAITING, Darkroom, Made

PIXELS = 40_000_000


async def made(data: bytes, media: str = "image/png", *, pixels: int = PIXELS) -> Made:
    return await Darkroom(pixels).make(data, media)


async def refused(data: bytes, media: str = "image/png", *, darkroom: Darkroom | None = None) -> str:
    with pytest.raises(Problem) as problem:
        await (darkroom or Darkroom(PIXELS)).make(data, media)
    assert (problem.value.status, problem.value.code) == (422, "bad-image")
    return problem.value.detail


def alike(a: object, b: tuple[int, int, int]) -> bool:
    assert isinstance(a, tuple)
    return all(abs(x - y) < 12 for x, y in zip(a, b, strict=True))


# R: F2
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
async def test_an_image_comes_out_upright_and_says_nothing_but_its_pixels(form: str):
    sent = images.told(form)
    out = await made(sent, images.MEDIA[form])
    assert (out.width, out.height) == (48, 64)  # it was held on its side
    for data in (out.full, out.thumb):
        image = images.opened(data)
        assert images.MEDIA[image.format or ""] == out.media
        assert image.size == (48, 64)
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert images.SECRET not in data
        pixels = image.convert("RGB")
        assert alike(pixels.getpixel((40, 8)), (30, 60, 220))  # turned to the right, the blue quarter is there
        assert alike(pixels.getpixel((8, 8)), (200, 40, 40))
    assert out == await made(sent, images.MEDIA[form])  # the same each time, so a retry names the same bytes


# R: F2
async def test_a_large_photograph_is_made_as_small_as_a_screen_needs():
    out = await made(images.encoded(images.noise(3000, 1500), "JPEG"), "image/jpeg")
    assert (out.width, out.height, out.media) == (2048, 1024, "image/jpeg")
    assert images.opened(out.thumb).size == (320, 160)


# R: F2
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
async def test_images_of_every_kind_of_pixel_are_taken(mode: str):
    form = "JPEG" if mode == "CMYK" else "PNG"
    grey = 255 if mode == "1" else 204
    plain = Image.new("L", (9, 5), grey)
    data = images.encoded(
        Image.new("I;16", (9, 5), 204 * 256) if mode == "I;16" else plain.convert("RGB").convert(mode), form
    )
    out = images.opened((await made(data, images.MEDIA[form])).full).convert("L")
    assert out.size == (9, 5)
    assert abs(int(out.getpixel((4, 2))) - grey) < 6  # type: ignore[arg-type]


async def test_what_is_transparent_stays_so_and_a_noisy_picture_of_it_is_laid_on_white():
    clear = Image.new("RGBA", (8, 8), (9, 9, 9, 0))
    assert images.opened((await made(images.encoded(clear))).full).getpixel((1, 1)) == (9, 9, 9, 0)
    noisy = images.noise(1200, 1200).convert("RGBA")
    noisy.putalpha(Image.linear_gradient("L").resize((1200, 1200)))
    out = await made(images.encoded(noisy, compress_level=1))
    assert out.media == "image/jpeg"
    assert images.opened(out.full).getpixel((600, 2)) > (240, 240, 240)  # type: ignore[operator]


# R: F2
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (images.bomb(30_000), "The image has too many pixels: at most 40,000,000 are taken."),
        (images.bomb(6_000), "The image is broken: it can't be read as PNG."),
        (images.text_bomb(20), "The image is broken: it can't be read as PNG."),
        (images.animated("PNG", 10_000), "The image is animated (10,000 frames). Send one that stands still."),
        (images.png()[:-60], "The image is broken: it can't be read as PNG."),
        (images.encoded(images.drawn(), "JPEG"), "That is not the PNG that it is said to be."),
        (images.encoded(images.drawn(), "GIF"), "That is not the PNG that it is said to be."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "That is not the PNG that it is said to be."),
        (b"", "That is not the PNG that it is said to be."),
    ],
    ids=["bomb", "half a bomb", "text bomb", "animated", "cut off", "a JPEG", "a GIF", "an SVG", "nothing"],
)
async def test_a_hostile_png_is_refused_with_a_sentence(what: bytes, sentence: str):
    assert await refused(what) == sentence


# R: F2
async def test_hostile_images_of_other_formats_are_refused_too():
    assert (
        await refused(images.webp_bomb(16_000), "image/webp")
        == "The image has too many pixels: at most 40,000,000 are taken."
    )
    assert "is animated" in await refused(images.animated("WEBP", 500), "image/webp")
    for form in ("JPEG", "WEBP"):
        whole = images.encoded(images.noise(300, 300), form)
        said = await refused(whole[: len(whole) // 2], images.MEDIA[form])
        assert said == f"The image is broken: it can't be read as {form}."


# R: F2
async def test_what_else_a_file_is_has_gone_when_it_was_made_anew():
    polyglot = images.png() + b"PK\x03\x04<script>alert(1)</script>"
    hidden = images.encoded(images.drawn(), "JPEG", comment=b"<?php system($_GET[0]); ?>")
    for data, media in ((polyglot, "image/png"), (hidden, "image/jpeg")):
        out = await made(data, media)
        for word in (b"script", b"PK\x03\x04", b"<?php"):
            assert word not in out.full + out.thumb


async def test_of_a_photograph_with_a_second_picture_in_it_the_first_is_taken():
    two = io.BytesIO()
    images.drawn().save(two, "MPO", save_all=True, append_images=[images.drawn(colour=(0, 200, 0))])
    out = await made(two.getvalue(), "image/jpeg")
    assert alike(images.opened(out.full).getpixel((60, 40)), (200, 40, 40))


# R: F2
async def test_a_process_that_takes_too_long_is_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    darkroom = Darkroom(PIXELS, seconds=0.3, child=program(tmp_path, "import time; time.sleep(60)"))
    assert await refused(images.png(), darkroom=darkroom) == "The image takes too long to read."
    assert "its process was killed" in caplog.text
    assert isinstance(await made(images.png()), Made)


# R: F2
async def test_what_a_process_says_that_is_no_longer_ours_is_not_believed(tmp_path: Path):
    for said in (
        b"",
        b"{}\n",
        b'{"width":1,"height":1,"media":"image/png","full":3,"thumb":3}\nabcdef',
        b'{"width":1,"height":1,"media":"text/html","full":3,"thumb":3}\nabcdef',
        b'{"width":1,"height":1,"media":"image/png","full":9000000000,"thumb":3}\nabcdef',
        b"x" * 30 * 1024 * 1024,
    ):
        (tmp_path / "said").write_bytes(said)
        child = program(tmp_path, f"import sys; sys.stdout.buffer.write(open({str(tmp_path / 'said')!r}, 'rb').read())")
        assert "can't be read" in await refused(images.png(), darkroom=Darkroom(PIXELS, child=child))


# R: F2
async def test_the_process_opens_nothing_grows_in_bounds_and_knows_none_of_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is tried stands in for a hole in Pillow; the bounds are those of the real process."""
    monkeypatch.setenv("ROADCREW_STORE", "redis://:secret@127.0.0.1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    source = Path(__file__).parents[2] / "server/roadcrew_server/talk/image_child.py"
    attack = textwrap.dedent(
        """
        import os, socket, subprocess, resource
        def make(data, media, max_pixels):
            if not shut_now: return real(data, media, max_pixels)
            tried = []
            for name, act in (("file", lambda: open("/etc/passwd")), ("socket", socket.socket),
                              ("process", lambda: subprocess.run(["/bin/true"])), ("memory", lambda: bytes(3 << 30))):
                try: act(); tried.append(name)
                except (OSError, MemoryError): pass
            tried += [name for name, value in os.environ.items() if "secret" in value]
            tried.append(str(resource.getrlimit(resource.RLIMIT_CPU)[0]))
            raise CantUse(" ".join(tried))
        """
    )
    text = source.read_text().replace('if __name__ == "__main__":\n    main()\n', "")
    text += "\nreal, shut_now, was_shut = make, False, shut\n" + attack
    text += "\ndef shut():\n    global shut_now\n    was_shut(); shut_now = True\n\nmain()\n"
    child = tmp_path / "attacked.py"
    child.write_text(text)
    assert await refused(images.png(), darkroom=Darkroom(PIXELS, child=child)) == "10"


# R: F2
async def test_few_images_are_made_at_once_some_wait_and_more_are_sent_away(tmp_path: Path):
    (tmp_path / "running").mkdir()
    child = program(
        tmp_path,
        f"""
        import os, sys, time
        mine = os.path.join({str(tmp_path / "running")!r}, str(os.getpid()))
        open(mine, "w").close()
        most = len(os.listdir(os.path.dirname(mine)))
        while not os.path.exists({str(tmp_path / "go")!r}): time.sleep(0.01)
        os.remove(mine)
        print('{{"refused": "%d"}}' % most)
        """,
    )
    darkroom = Darkroom(PIXELS, child=child)
    tasks = [asyncio.create_task(refused(b"", darkroom=darkroom)) for _ in range(AT_ONCE + WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as away:
        await darkroom.make(b"", "image/png")
    assert (away.value.status, away.value.code, away.value.retry_after) == (503, "unavailable", 5)
    (tmp_path / "go").touch()
    assert {int(most) for most in await asyncio.gather(*tasks)} <= {1, 2}


async def test_who_gives_up_leaves_no_process_behind(tmp_path: Path):
    child = program(
        tmp_path,
        f"""
        import os, time
        with open({str(tmp_path / "part")!r}, "w") as file: file.write(str(os.getpid()))
        os.rename({str(tmp_path / "part")!r}, {str(tmp_path / "pid")!r})
        time.sleep(60)
        """,
    )
    task = asyncio.create_task(Darkroom(PIXELS, child=child).make(b"", "image/png"))
    await eventually((tmp_path / "pid").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def program(place: Path, text: str) -> Path:
    path = place / "child.py"
    path.write_text(textwrap.dedent(text))
    return path
