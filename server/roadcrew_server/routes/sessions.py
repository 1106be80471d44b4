"""`/api/session`: who am I, and becoming somebody."""

from datetime import datetime

from pydantic import Field

from roadcrew_domain.crew import RenameMember
from roadcrew_domain.ids import command_id
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Command
from roadcrew_server import auth
from roadcrew_server.endpoints import Answer, Body, Call, Endpoint, Nothing
from roadcrew_server.routes.trips import ALL_TRIPS, my_trips_index
from roadcrew_server.sessions import Issued, Session, User
from roadcrew_server.topic import TopicMissing
from roadcrew_server.topics import trip_topic


class GuestBody(Body):
    name: str = Field(max_length=400)


class SignUpBody(Body):
    username: str = Field(max_length=64)
    password: str = Field(max_length=auth.MAX_PASSWORD)
    name: str = Field(max_length=400)


class CredentialsBody(Body):
    username: str = Field(max_length=64)
    password: str = Field(max_length=auth.MAX_PASSWORD)


class UserAnswer(Answer):
    id: str
    name: str
    username: str | None
    guest: bool


class SessionAnswer(Answer):
    user: UserAnswer
    expires_at: datetime


class IssuedAnswer(SessionAnswer):
    token: str


def _user(user: User) -> UserAnswer:
    return UserAnswer(id=user.id, name=user.name, username=user.username, guest=user.guest)


def _session(session: Session) -> SessionAnswer:
    return SessionAnswer(user=_user(session.user), expires_at=session.expires_at)


def _issued(issued: Issued) -> IssuedAnswer:
    session = issued.session
    return IssuedAnswer(token=issued.token, user=_user(session.user), expires_at=session.expires_at)


async def guest(call: Call) -> IssuedAnswer:
    """A new guest: a real user without a password."""
    await call.server.limits.sign_in(call.address)
    return _issued(await call.server.auth.guest(call.body.name, call.once()))


async def sign_up(call: Call) -> IssuedAnswer:
    """A new account."""
    await call.server.limits.sign_in(call.address)
    b: SignUpBody = call.body
    return _issued(await call.server.auth.sign_up(b.username, b.password, b.name, call.once()))


async def log_in(call: Call) -> IssuedAnswer:
    """A new session of an account."""
    await call.server.limits.sign_in(call.address)
    await call.server.limits.log_in(call.body.username)
    return _issued(await call.server.auth.log_in(call.body.username, call.body.password))


async def renew(call: Call) -> IssuedAnswer:
    """A new token for an old one."""
    return _issued(await call.server.sessions.renew(call.session))


async def upgrade(call: Call) -> SessionAnswer:
    """A guest becomes an account."""
    return _session(await call.server.auth.upgrade(call.session, call.body.username, call.body.password))


async def who_am_i(call: Call) -> SessionAnswer:
    """The session."""
    return _session(await call.server.sessions.fresh(call.session))


async def rename(call: Call) -> SessionAnswer:
    """Another name, here and in every trip."""
    session = await call.server.auth.rename(call.session, call.body.name)
    base = call.server.hub.new_id()
    for trip_id in await call.server.store.index_list(my_trips_index(call.user_id), ALL_TRIPS):
        command = Command(command_id(base, trip_id), call.user_id, RenameMember(session.user.name))
        try:
            await call.server.hub.execute(trip_topic(trip_id), command)
        except (Refused, TopicMissing):
            continue  # a trip that has ended, or that they have left
    return _session(session)


async def sign_out(call: Call) -> None:
    """End this session."""
    await call.server.sessions.sign_out(call.session)


def _endpoint(method: str, path: str, handler: object, summary: str, **more: object) -> Endpoint:
    return Endpoint(method, f"/api/session{path}", handler, summary=summary, tag="session", **more)  # type: ignore[arg-type]


ENDPOINTS = (
    _endpoint(
        "POST",
        "/guest",
        guest,
        "Become a guest",
        access="open",
        body=GuestBody,
        answer=IssuedAnswer,
        status=201,
        takes_key=True,
    ),
    _endpoint(
        "POST",
        "/signup",
        sign_up,
        "Sign up",
        access="open",
        body=SignUpBody,
        answer=IssuedAnswer,
        status=201,
        takes_key=True,
    ),
    _endpoint("POST", "/login", log_in, "Sign in", access="open", body=CredentialsBody, answer=IssuedAnswer),
    _endpoint("POST", "/renew", renew, "Get a new token", access="signed-in", body=Nothing, answer=IssuedAnswer),
    _endpoint(
        "POST",
        "/upgrade",
        upgrade,
        "Turn a guest into an account",
        access="signed-in",
        body=CredentialsBody,
        answer=SessionAnswer,
    ),
    _endpoint("GET", "", who_am_i, "Who am I", access="signed-in", answer=SessionAnswer),
    _endpoint("PATCH", "", rename, "Change my name", access="signed-in", body=GuestBody, answer=SessionAnswer),
    _endpoint("DELETE", "", sign_out, "Sign out", access="signed-in", status=204),
)
