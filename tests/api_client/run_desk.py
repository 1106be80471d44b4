"""A stand-in for a server that asks for prices and imports hotels: runs by the real rules, in logs that can be
followed."""

from datetime import date

from tests.api_client.booking_desk import Logs, TopicLog
from tests.api_client.scripted import Request

from roadcrew_domain import jobs, quotes
from roadcrew_domain.jobs_state import (
    AddRows,
    Checkpoint,
    FinishImport,
    JobAct,
    JobCommand,
    RequestImport,
    SayConnected,
)
from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import (
    AddFailure,
    AddResult,
    AskedHotel,
    AskedProvider,
    Price,
    QuoteAct,
    QuoteCommand,
    RequestQuote,
    SayActivity,
    Stay,
    VoteQuote,
)
from roadcrew_domain.running import StartRunner

HOTEL = AskedHotel("casa", "Casa Azul", "Lisbon", 4, Money(8400, "EUR"))
STAY = Stay((HOTEL,), date(2030, 5, 21), date(2030, 5, 24), 2)
PROVIDERS = (AskedProvider("atlas", "Atlas Rooms", False, 5.0), AskedProvider("slow", "Slow (simulated)", True, 5.0))
SIZE = 1000


class RunDesk(Logs):
    """Whose `hidden` topics nobody may read."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: set[str] = set()

    def log_of(self, topic: str, user: str) -> TopicLog | None:
        return None if topic in self.hidden else self.logs.get(topic)

    def ask(self) -> str:
        """Begin a run; its name."""
        name = f"quote:{self.new_id()}"
        self.logs[name] = TopicLog(name, quotes.decide, quotes.evolve, quotes.encode_run)
        self.quote(name, RequestQuote(STAY, PROVIDERS, 60, 7200, "t"), name.removeprefix("quote:"))
        self.quote(name, StartRunner(1))
        return name

    def quote(self, name: str, act: QuoteAct, command: str | None = None) -> None:
        """Something happens in a run."""
        self.logs[name].run(QuoteCommand(command or self.new_id(), "ana", act), "ana", self.now)
        self.grow()

    def says(self, name: str, provider: str = "atlas") -> None:
        """A provider does."""
        self.quote(name, SayActivity(1, provider, "Looking."))

    def prices(self, name: str, amount: int = 24000, provider: str = "atlas") -> None:
        """A provider has an answer."""
        self.quote(name, AddResult(1, provider, (Price(Money(amount, "EUR"), "casa"),)))

    def fails(self, name: str, provider: str = "slow") -> None:
        """A provider has none."""
        self.quote(name, AddFailure(1, provider, "timeout", "It did not answer in time."))

    def votes(self, name: str, vote: VoteQuote) -> None:
        """Ana does."""
        self.quote(name, vote)

    def upload(self) -> str:
        """Begin an import; its name."""
        name = f"job:{self.new_id()}"
        self.logs[name] = TopicLog(name, jobs.decide, jobs.evolve, jobs.encode_job)
        self.job(name, RequestImport("t", "hotels.csv", "csv", SIZE, 600, 7200), name.removeprefix("job:"))
        self.job(name, StartRunner(1))
        self.job(name, SayConnected(1))
        return name

    def job(self, name: str, act: JobAct, command: str | None = None) -> None:
        """Something happens in an import."""
        self.logs[name].run(JobCommand(command or self.new_id(), "ana", act), "ana", self.now)
        self.grow()

    def rows(self, name: str, good: int, read: int) -> None:
        """So many hotels more, of so many bytes read."""
        self.job(name, AddRows(1, good, 0, Checkpoint(read), read, page=f"p{read}"))

    def finish(self, name: str) -> None:
        """All of it is read."""
        self.job(name, FinishImport(1))

    async def call(self, request: Request) -> None:
        await request.answer(200, {"user": {"id": "ana", "name": "Ana", "guest": True}})
