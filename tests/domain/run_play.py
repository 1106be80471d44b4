"""A quote run and an import that a test plays through: a clock, a log, people, and the process that does the work."""

from datetime import date, timedelta

from tests.domain.booking_play import START, Log

from roadcrew_domain import jobs, quotes
from roadcrew_domain.jobs_state import (
    AddRows,
    Checkpoint,
    ImportJob,
    JobAct,
    JobCommand,
    JobTick,
    ReasonCount,
    RequestImport,
)
from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import (
    AddFailure,
    AddResult,
    AskedHotel,
    AskedProvider,
    Driver,
    Price,
    QuoteAct,
    QuoteCommand,
    QuoteRequest,
    QuoteRun,
    QuoteTick,
    RequestQuote,
    SayActivity,
    Stay,
    Vehicle,
)
from roadcrew_domain.refusals import Kind
from roadcrew_domain.running import StartRunner

ANA, BEN = "ana", "ben"
CASA = AskedHotel("casa", "Casa Azul", "Lisbon", 4, Money(8400, "EUR"))
PENSAO = AskedHotel("pensao", "Pensão", "Lisbon", 2)
VIN = "1HGCM82633A004352"
WITHIN, KEPT = timedelta(minutes=2), timedelta(hours=2)
RATES, WEB, SLOW = (AskedProvider(p, p.title(), False, 10.0) for p in ("rates", "web", "slow"))
TODAY = START.date()


def a_stay(*hotels: AskedHotel, guests: int = 2, nights: int = 3, check_in: date | None = None) -> Stay:
    """Three nights for two, three weeks ahead."""
    begins = check_in or TODAY + timedelta(days=20)
    return Stay(hotels or (CASA, PENSAO), begins, begins + timedelta(days=nights), guests)


def a_vehicle(*ages: int, vin: str = VIN, days: int = 3) -> Vehicle:
    """So many days, the last one included."""
    begins = TODAY + timedelta(days=20)
    return Vehicle(vin, tuple(map(Driver, ages or (30,))), begins, begins + timedelta(days=days - 1))


def price(amount: int, hotel: str | None = "casa", currency: str = "EUR", note: str | None = None) -> Price:
    """For the whole request."""
    return Price(Money(amount, currency), hotel, note)


class QuotePlay(Log[QuoteRun, QuoteCommand]):
    """A quote run of Ana's. A process whose lease has the fence 1 does it, unless a test says otherwise."""

    def __init__(self, run_id: str = "q") -> None:
        super().__init__(f"quote:{run_id}", quotes.decide, quotes.evolve)
        self.run_id = run_id

    def do(self, by: str | None, act: QuoteAct, command: str | None = None) -> list[str]:
        """The types of what happened."""
        command = command or self.new_id()
        return self.run(QuoteCommand(command, by, act), command, by)

    def refusal(self, by: str | None, act: QuoteAct, command: str | None = None) -> tuple[str, Kind]:
        """Code and kind."""
        return self.refused(lambda: self.do(by, act, command))

    def asking(self, request: QuoteRequest | None = None, *providers: AskedProvider) -> RequestQuote:
        """What `ask` asks."""
        within, kept = WITHIN.total_seconds(), KEPT.total_seconds()
        return RequestQuote(request or a_stay(), providers or (RATES, WEB, SLOW), within, kept, "t")

    def ask(self, request: QuoteRequest | None = None, *providers: AskedProvider) -> "QuotePlay":
        """Ana asks for prices."""
        self.do(ANA, self.asking(request, *providers), self.run_id)
        return self

    def start(self, fence: int = 1) -> list[str]:
        """A process takes the work up."""
        return self.do(None, StartRunner(fence))

    def say(self, provider: str, said: str, fence: int = 1) -> list[str]:
        return self.do(None, SayActivity(fence, provider, said))

    def answer(self, provider: str, *prices: Price, fence: int = 1) -> list[str]:
        return self.do(None, AddResult(fence, provider, prices or (price(50400),)))

    def fail(self, provider: str, detail: str = "No answer in 10 s.", fence: int = 1) -> list[str]:
        return self.do(None, AddFailure(fence, provider, "timeout", detail))

    def tick(self) -> list[str]:
        """The timer."""
        return self.do(None, QuoteTick())


def running(request: QuoteRequest | None = None, *providers: AskedProvider) -> QuotePlay:
    """A run that a process does."""
    play = QuotePlay().ask(request, *providers)
    play.start()
    return play


SIZE = 1_000_000


class JobPlay(Log[ImportJob, JobCommand]):
    """An import of Ana's."""

    def __init__(self) -> None:
        super().__init__("job:j", jobs.decide, jobs.evolve)
        self.parts = 0

    def do(self, by: str | None, act: JobAct, command: str | None = None) -> list[str]:
        """The types of what happened."""
        command = command or self.new_id()
        return self.run(JobCommand(command, by, act), command, by)

    def refusal(self, by: str | None, act: JobAct, command: str | None = None) -> tuple[str, Kind]:
        """Code and kind."""
        return self.refused(lambda: self.do(by, act, command))

    def asking(self, name: str = "hotels.csv", size: int = SIZE, currency: str | None = None) -> RequestImport:
        """What `ask` asks."""
        return RequestImport("t", name, "csv", size, WITHIN.total_seconds(), KEPT.total_seconds(), currency)

    def ask(self) -> "JobPlay":
        """Ana imports a feed."""
        self.do(ANA, self.asking(), "j")
        return self

    def start(self, fence: int = 1) -> list[str]:
        """A process takes the work up."""
        return self.do(None, StartRunner(fence))

    def rows(self, good: int = 90, refused: int = 10, *, fence: int = 1, read: int = 1000) -> AddRows:
        """The next part of the feed, of so many bytes."""
        self.parts += 1
        offset = self.state.checkpoint.offset + read
        key = f"j/{fence}/{self.parts}"
        reasons = (ReasonCount("bad-price", refused),) if refused else ()
        pages = (key if good else None, f"{key}x" if refused else None)
        return AddRows(fence, good, refused, Checkpoint(offset, f"t{offset}"), offset, *pages, reasons)

    def add(self, good: int = 90, refused: int = 10, *, fence: int = 1) -> list[str]:
        """It was read."""
        return self.do(None, self.rows(good, refused, fence=fence))

    def tick(self) -> list[str]:
        """The timer."""
        return self.do(None, JobTick())


def importing() -> JobPlay:
    """An import that a process does."""
    play = JobPlay().ask()
    play.start()
    return play
