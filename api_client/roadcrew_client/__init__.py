"""How a terminal or a script talks to a Roadcrew server.

    async with Client("https://plan.example.org") as client:
        await client.guest("Ana")
        trip = await client.join("K7QM-2D4F")

Only names in `__all__` are promises. They are loaded when first used, so importing this package is cheap: neither the
HTTP library nor the keyring comes with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadcrew_client.about import About
    from roadcrew_client.book_changes import BookChange
    from roadcrew_client.book_models import CartAnswer, ExhibitionList, OfferedSlot, SlotList
    from roadcrew_client.booking import (
        Added,
        AnotherPerson,
        Auth,
        BookingFlow,
        BookingStep,
        Connection,
        NotAccepted,
        SeatsGone,
        SignInFirst,
        TooLate,
    )
    from roadcrew_client.cable import Cable
    from roadcrew_client.changes import Change, Outcome, Pending, Refusal, SyncStatus, Undone
    from roadcrew_client.client import Client
    from roadcrew_client.copies import Copies
    from roadcrew_client.credentials import Credentials, CredentialsError
    from roadcrew_client.delivery import Delivery, OutboxNews
    from roadcrew_client.errors import (
        Forbidden,
        NotFound,
        NotSignedIn,
        Rejected,
        RoadcrewError,
        ServerTrouble,
        SessionNotReady,
        TooManyRequests,
        Unreachable,
    )
    from roadcrew_client.figures import BookFigures, SyncFigures
    from roadcrew_client.frames import Gone, Presence, Reset
    from roadcrew_client.job_models import ImportedHotels, ImportJobAnswer, ImportStarted, RefusedRows
    from roadcrew_client.links import InviteTarget, parse_invite
    from roadcrew_client.live import LiveTrip
    from roadcrew_client.live_book import LiveBook
    from roadcrew_client.live_runs import LiveRun
    from roadcrew_client.live_talk import LiveTalk
    from roadcrew_client.models import (
        Answer,
        Created,
        DeletedTrip,
        History,
        ImportsInfo,
        InviteLink,
        InvitePreview,
        InviteRequest,
        PaymentMethod,
        PaymentWay,
        QuoteProvider,
        QuotesInfo,
        ServerInfo,
        Session,
        TalkInfo,
        TripSummary,
        User,
    )
    from roadcrew_client.outbox import Outbox, OutboxEntry, Tally
    from roadcrew_client.pending_booking import PendingBooking, PendingBookings
    from roadcrew_client.quote_models import QuoteHotels, QuoteRunAnswer, QuoteStarted
    from roadcrew_client.retry import Retry, execute_with_retry, load_with_retry
    from roadcrew_client.run_changes import RunChange
    from roadcrew_client.settings import ClientSettings, Clock, SystemClock
    from roadcrew_client.talk_models import (
        ItemAnswer,
        MarkAnswer,
        Muted,
        RemovedItem,
        RemovedItems,
        SavedThings,
        TalkItems,
        TalkSummary,
    )
    from roadcrew_client.waiting import Figures, Look, SessionReady
    from roadcrew_domain.events import Event

_HOME = {
    "about": ("About",),
    "book_changes": ("BookChange",),
    "book_models": ("CartAnswer", "ExhibitionList", "OfferedSlot", "SlotList"),
    "booking": (
        "Added",
        "AnotherPerson",
        "Auth",
        "BookingFlow",
        "BookingStep",
        "Connection",
        "NotAccepted",
        "SeatsGone",
        "SignInFirst",
        "TooLate",
    ),
    "cable": ("Cable",),
    "changes": ("Change", "Outcome", "Pending", "Refusal", "SyncStatus", "Undone"),
    "client": ("Client",),
    "copies": ("Copies",),
    "credentials": ("Credentials", "CredentialsError"),
    "delivery": ("Delivery", "OutboxNews"),
    "errors": (
        "Forbidden",
        "NotFound",
        "NotSignedIn",
        "Rejected",
        "RoadcrewError",
        "ServerTrouble",
        "SessionNotReady",
        "TooManyRequests",
        "Unreachable",
    ),
    "figures": ("BookFigures", "SyncFigures"),
    "frames": (
        "Event",  # the domain's, for scripts that read events one by one
        "Gone",
        "Presence",
        "Reset",
    ),
    "job_models": ("ImportJobAnswer", "ImportStarted", "ImportedHotels", "RefusedRows"),
    "links": ("InviteTarget", "parse_invite"),
    "live": ("LiveTrip",),
    "live_book": ("LiveBook",),
    "live_runs": ("LiveRun",),
    "live_talk": ("LiveTalk",),
    "models": (
        "Answer",
        "Created",
        "DeletedTrip",
        "History",
        "ImportsInfo",
        "InviteLink",
        "InvitePreview",
        "InviteRequest",
        "PaymentMethod",
        "PaymentWay",
        "QuoteProvider",
        "QuotesInfo",
        "ServerInfo",
        "Session",
        "TalkInfo",
        "TripSummary",
        "User",
    ),
    "outbox": ("Outbox", "OutboxEntry", "Tally"),
    "pending_booking": ("PendingBooking", "PendingBookings"),
    "quote_models": ("QuoteHotels", "QuoteRunAnswer", "QuoteStarted"),
    "retry": ("Retry", "execute_with_retry", "load_with_retry"),
    "run_changes": ("RunChange",),
    "settings": ("ClientSettings", "Clock", "SystemClock"),
    "talk_models": (
        "ItemAnswer",
        "MarkAnswer",
        "Muted",
        "RemovedItem",
        "RemovedItems",
        "SavedThings",
        "TalkItems",
        "TalkSummary",
    ),
    "waiting": ("Figures", "Look", "SessionReady"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [  # noqa: RUF022 — in the order of use
    "Client",
    "LiveTrip",
    "Change",
    "Pending",
    "Outcome",
    "Refusal",
    "SyncStatus",
    "SyncFigures",
    "LiveBook",
    "BookChange",
    "ExhibitionList",
    "SlotList",
    "OfferedSlot",
    "CartAnswer",
    "BookingFlow",
    "PendingBookings",
    "PendingBooking",
    "BookingStep",
    "Added",
    "SignInFirst",
    "Connection",
    "SeatsGone",
    "Auth",
    "NotAccepted",
    "TooLate",
    "AnotherPerson",
    "BookFigures",
    "LiveRun",
    "RunChange",
    "QuoteStarted",
    "QuoteRunAnswer",
    "QuoteHotels",
    "ImportStarted",
    "ImportJobAnswer",
    "ImportedHotels",
    "RefusedRows",
    "LiveTalk",
    "TalkSummary",
    "RemovedItem",
    "RemovedItems",
    "TalkItems",
    "ItemAnswer",
    "MarkAnswer",
    "SavedThings",
    "Muted",
    "Outbox",
    "OutboxEntry",
    "About",
    "Tally",
    "Delivery",
    "OutboxNews",
    "Copies",
    "ClientSettings",
    "Clock",
    "SystemClock",
    "Cable",
    "Credentials",
    "CredentialsError",
    "User",
    "Session",
    "SessionReady",
    "Look",
    "Figures",
    "ServerInfo",
    "PaymentWay",
    "PaymentMethod",
    "QuotesInfo",
    "QuoteProvider",
    "ImportsInfo",
    "TalkInfo",
    "TripSummary",
    "DeletedTrip",
    "History",
    "Undone",
    "Created",
    "Answer",
    "InviteLink",
    "InvitePreview",
    "InviteRequest",
    "InviteTarget",
    "parse_invite",
    "Event",
    "Reset",
    "Presence",
    "Gone",
    "execute_with_retry",
    "load_with_retry",
    "Retry",
    "RoadcrewError",
    "Unreachable",
    "NotSignedIn",
    "SessionNotReady",
    "Forbidden",
    "NotFound",
    "Rejected",
    "TooManyRequests",
    "ServerTrouble",
]


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
