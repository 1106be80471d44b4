"""What the package promises, and how little it loads."""

import json
import subprocess
import sys

import pytest

import roadcrew_client as rc
from roadcrew_client import links
from roadcrew_domain.refusals import Refused

PUBLIC = [
    "About",
    "Added",
    "AnotherPerson",
    "Answer",
    "Auth",
    "BookChange",
    "BookFigures",
    "BookingFlow",
    "BookingStep",
    "Cable",
    "CartAnswer",
    "Change",
    "Client",
    "ClientSettings",
    "Clock",
    "Connection",
    "Copies",
    "Created",
    "Credentials",
    "CredentialsError",
    "DeletedTrip",
    "Delivery",
    "Event",
    "ExhibitionList",
    "Figures",
    "Forbidden",
    "Gone",
    "History",
    "ImportJobAnswer",
    "ImportStarted",
    "ImportedHotels",
    "ImportsInfo",
    "InviteLink",
    "InvitePreview",
    "InviteRequest",
    "InviteTarget",
    "ItemAnswer",
    "LiveBook",
    "LiveRun",
    "LiveTalk",
    "LiveTrip",
    "Look",
    "MarkAnswer",
    "Muted",
    "NotAccepted",
    "NotFound",
    "NotSignedIn",
    "OfferedSlot",
    "Outbox",
    "OutboxEntry",
    "OutboxNews",
    "Outcome",
    "PaymentMethod",
    "PaymentWay",
    "Pending",
    "PendingBooking",
    "PendingBookings",
    "Presence",
    "QuoteHotels",
    "QuoteProvider",
    "QuoteRunAnswer",
    "QuoteStarted",
    "QuotesInfo",
    "Refusal",
    "RefusedRows",
    "Rejected",
    "RemovedItem",
    "RemovedItems",
    "Reset",
    "Retry",
    "RoadcrewError",
    "RunChange",
    "SavedThings",
    "SeatsGone",
    "ServerInfo",
    "ServerTrouble",
    "Session",
    "SessionNotReady",
    "SessionReady",
    "SignInFirst",
    "SlotList",
    "SyncFigures",
    "SyncStatus",
    "SystemClock",
    "TalkInfo",
    "TalkItems",
    "TalkSummary",
    "Tally",
    "TooLate",
    "TooManyRequests",
    "TripSummary",
    "Undone",
    "Unreachable",
    "User",
    "execute_with_retry",
    "load_with_retry",
    "parse_invite",
]


def test_the_exports_are_exactly_these():
    assert sorted(rc.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(rc, name) is not None
    assert set(PUBLIC) <= set(dir(rc))


def test_what_is_not_there_is_said_so():
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = rc.Nonsense


def loaded_after(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


HEAVY = {"httpx", "httpx_sse", "httpcore", "anyio", "pydantic", "keyring", "stamina", "tenacity", "platformdirs"}


def test_importing_the_package_loads_next_to_nothing():
    loaded = loaded_after("import roadcrew_client")
    assert not loaded & (HEAVY | {"asyncio", "msgspec", "roadcrew_domain"})


def test_using_every_name_loads_no_http_library_and_no_keyring():
    loaded = loaded_after(
        "import roadcrew_client as rc\nfor name in rc.__all__: getattr(rc, name)\n"
        "live = rc.Client('http://127.0.0.1:1', token='t').follow('t')"
    )
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("text", "code", "server"),
    [
        ("K7QM-2D4F", "K7QM-2D4F", None),
        (" k7qm2d4f ", "K7QM-2D4F", None),
        ("K7QM-2D4F@plan.example.org", "K7QM-2D4F", "https://plan.example.org"),
        ("K7QM-2D4F@192.168.1.5:8787", "K7QM-2D4F", "http://192.168.1.5:8787"),
        ("K7QM-2D4F@localhost:8787", "K7QM-2D4F", "http://localhost:8787"),
        ("K7QM-2D4F@[::1]:8787", "K7QM-2D4F", "http://[::1]:8787"),
        ("https://plan.example.org/j/K7QM-2D4F", "K7QM-2D4F", "https://plan.example.org"),
        ("Join Lisbon on Roadcrew: https://plan.example.org/j/K7QM-2D4F", "K7QM-2D4F", "https://plan.example.org"),
        ("http://plan.example.org:81/crew/j/k7qm2d4f/", "K7QM-2D4F", "http://plan.example.org:81/crew"),
    ],
)
# R: T2
def test_an_invite_is_understood_however_it_is_handed_on(text: str, code: str, server: str | None):
    assert rc.parse_invite(text) == rc.InviteTarget(code, server)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "K7QM",
        "@host",
        "K7QM-2D4F@",
        "K7QM-2D4F@user@host",
        "K7QM-2D4F@host:99999",
        "K7QM-2D4F@host?x=1",
        "ftp://host/j/K7QM-2D4F",
        "https://host/K7QM-2D4F",
        "https://u:p@host/j/K7QM-2D4F",
        "https://[::1/j/K7QM-2D4F",
        "https:///j/K7QM-2D4F",
        "Join https://evil.example/j/K7QM-2D4F on Roadcrew: https://plan.example.org/j/K7QM-2D4F",
        "K7QM-2D4F@ho\x1bst",
        "K7QM-2D4F" * 1000,
    ],
)
# R: T2
def test_what_is_no_invite_is_refused_with_a_sentence(text: str):
    with pytest.raises(Refused) as caught:
        rc.parse_invite(text)
    assert caught.value.code == "invite-malformed"


@pytest.mark.parametrize("server", ["plan.example.org", "ftp://x", "http://", "http://u@h", "http://h?x", "http://h:x"])
def test_a_server_without_a_proper_address_is_refused(server: str):
    with pytest.raises(ValueError):
        rc.Client(server)


def test_an_address_keeps_its_path_and_loses_its_last_slash():
    assert links.base_address("HTTPS://Plan.Example.org:443/crew/") == "https://plan.example.org:443/crew"
