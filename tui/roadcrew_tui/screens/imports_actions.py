"""What the keys of the screen of imports do: send a file, choose which hotels are shown, shortlist one, cancel."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.worker import Worker, WorkerCancelled

from roadcrew_domain.hotels import MAX_STARS, ShortlistHotel
from roadcrew_tui import money, plain, render
from roadcrew_tui.feed_files import Feed
from roadcrew_tui.screens import imports_draw as draw
from roadcrew_tui.screens import imports_model as model
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.screens.imports_file import FileForm
from roadcrew_tui.screens.inspector_model import size

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.imports import ImportsScreen

STEPS = 100
"""So often, at most, it is told how much of a file is sent."""


class Sent(Message):
    """So many bytes of a file are on their way."""

    def __init__(self, upload: Upload, done: int) -> None:
        super().__init__()
        self.upload, self.done = upload, done


class Upload:
    """A file that is being sent."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.sent = 0
        self.worker: Worker[None] | None = None

    def drawn(self, width: int) -> Content:
        """How far it is."""
        share = min(1.0, self.sent / self.feed.size)
        return draw.sending(self.feed.name, size(self.sent), size(self.feed.size), share)(width)

    async def stop(self) -> None:
        """Send no more of it; the server forgets what has come."""
        if self.worker is not None:
            self.worker.cancel()
            with suppress(WorkerCancelled):
                await self.worker.wait()


async def new(screen: ImportsScreen) -> None:
    """Choose a file, and send it."""
    hotels = screen.trip.hotels.values() if screen.trip is not None else ()
    last = max(hotels, key=lambda h: h.added_at, default=None)
    form = FileForm(screen.crew_app, last.price_per_night.currency if last is not None else "EUR")
    if await screen.app.push_screen_wait(form) and form.chosen is not None:
        feed, currency = form.chosen
        upload = screen.upload = Upload(feed)
        upload.worker = screen.run_worker(screen.crew_app.guarded(_send(screen, upload, currency)), group="upload")
        screen.redraw()


async def _send(screen: ImportsScreen, upload: Upload, currency: str | None) -> None:
    feed, told = upload.feed, 0

    def sent(done: int) -> None:
        """On the client's thread."""
        nonlocal told
        if done < told or (done - told) * STEPS >= feed.size:
            told = done
            screen.post_message(Sent(upload, done))

    async def start(client: Client) -> str:
        trip_id = screen.snapshot.trip_id
        return (await client.start_import(trip_id, feed.path, feed.name, feed.format, currency, sent=sent)).job_id

    try:
        job_id = await screen.crew_app.link.call(start)
    finally:
        screen.upload = None
        if screen.is_attached:
            screen.redraw()
    screen.show(job_id)


async def shortlist(screen: ImportsScreen) -> None:
    """The hotel under the cursor."""
    hotel = screen.hotel
    if hotel is None:
        return
    if model.known_as(hotel) in model.listed(screen.trip):
        screen.crew_app.say(plain.sentence("{name} is on the shortlist already.", name=hotel.name))
        return
    await screen.trip_screen.act(ShortlistHotel(hotel.name, hotel.city, hotel.stars, hotel.price_per_night))


async def choose(screen: ImportsScreen) -> None:
    """Which hotels are shown."""
    wanted = screen.listing.wanted
    stars = (("0", "any"), *((str(n), str(n)) for n in range(1, MAX_STARS + 1)))
    price = money.written(wanted.max_price) if wanted.max_price is not None else ""
    fields = [
        Field("q", "Name", "A part of it.", wanted.q, optional=True),
        Field("city", "City", "", wanted.city, optional=True),
        Field("stars", "Stars, at least", kind="choice", value=str(wanted.min_stars), options=stars),
        Field("price", "Price for a night, at most", "Such as 84 or 84.50.", price, optional=True),
    ]

    async def send(values: Values) -> None:
        try:
            most = money.parse_price(values["price"]) if values["price"] else None
        except money.NotAPrice as problem:
            raise FormProblem("price", str(problem)) from problem
        found = model.Wanted(wanted.order, values["q"], values["city"], int(values["stars"]), most)
        if found != screen.listing.wanted:
            screen.want(found)

    await screen.app.push_screen_wait(Form("Only some hotels", fields, send, button="show"))


async def cancel(screen: ImportsScreen) -> None:
    """Stop what is sent, or the import, after asking."""
    upload, job = screen.upload, screen.job
    if upload is not None:
        await stop_upload(screen, upload)
    elif job is not None and await _sure(screen, job.name, model.counts(job.counts.good, 0)):
        await screen.crew_app.link.call(lambda client: client.cancel_import(job.id))


async def stop_upload(screen: ImportsScreen, upload: Upload) -> bool:
    """Ask whether a file shall be sent no more; whether it is."""
    question = render.template("{name} is still being sent. Stop that? Nothing of it is kept.", name=upload.feed.name)
    stop = Answer("stop", render.ours("Stop sending it"), irreversible=True)
    if await screen.app.push_screen_wait(Ask("Stop", question, [stop], cancel="Go on")) == CANCEL:
        return False
    await upload.stop()
    return True


async def _sure(screen: ImportsScreen, name: str, hotels: str) -> bool:
    question = render.template(f"Cancel the import of {{name}}? What has come by now ({hotels}) stays.", name=name)
    stop = Answer("stop", render.ours("Cancel the import"), irreversible=True)
    return await screen.app.push_screen_wait(Ask("Cancel", question, [stop], cancel="Go on")) != CANCEL
