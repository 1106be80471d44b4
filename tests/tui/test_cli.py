"""The command line is made from the same classes as the keys."""

import shlex
from itertools import takewhile

import pytest

from roadcrew_client.credentials import CredentialsError
from roadcrew_client.errors import NotSignedIn, RoadcrewError, SessionNotReady, Unreachable
from roadcrew_domain.refusals import Refused
from roadcrew_tui import cli, oneshot
from roadcrew_tui.commands import everything
from roadcrew_tui.commands.base import NeedsTrip
from roadcrew_tui.oneshot import NeedsSignIn
from roadcrew_tui.serving import CantServe

EXAMPLES = sorted({line for command in everything() if command.sub for line in command.examples})


# R: G5
@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_of_the_help_is_a_line_that_works(line: str) -> None:
    words = [*takewhile(lambda word: word not in ("<", ">"), shlex.split(line))]
    assert words[0] == "roadcrew"
    assert callable(cli.make_parser().parse_args(words[1:]).run)


# R: G5
def test_every_sub_command_has_help_and_an_example() -> None:
    for command in everything():
        if command.sub is not None:
            assert command.help, command.id
            assert command.examples, command.id


def test_a_sub_command_without_an_action_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["poll"]) == cli.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "vote" in said.err


@pytest.mark.parametrize(
    ("line", "meant"),
    [("confg", "config"), ("trip histroy", "history"), ("poll new When? --kind sngle", "single")],
)
def test_a_slip_of_the_pen_is_told_what_was_meant_and_not_all_that_there_is(
    line: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=str(cli.USAGE)):
        cli.main(line.split())
    said = capsys.readouterr().err
    assert said.endswith(f"Did you mean {meant}?\n")
    assert "choose from" not in said


ENDS = [
    (None, cli.DONE),
    (Refused("poll-closed", "conflict", "That poll closed at 18:00."), cli.REFUSED),
    (RoadcrewError("poll-closed", "That poll closed at 18:00."), cli.REFUSED),
    (NeedsTrip("Say which trip."), cli.USAGE),
    (ValueError("From 1 to 5."), cli.USAGE),
    (NotSignedIn("not-signed-in", "Who are you?"), cli.SIGN_IN),
    (CredentialsError("The keyring is locked."), cli.SIGN_IN),
    (NeedsSignIn("Please sign in first."), cli.SIGN_IN),
    (Unreachable("unreachable", "The server can't be reached."), cli.UNREACHABLE),
    (SessionNotReady("session-not-ready", "Please try again."), cli.UNREACHABLE),
    (CantServe("The server's packages are not installed."), cli.UNREACHABLE),
    (KeyboardInterrupt(), cli.INTERRUPTED),
]
"""What becomes of the work of a sub-command, and how it ends then."""


# R: G5
@pytest.mark.parametrize(("error", "status"), ENDS)
def test_each_way_to_end_has_its_exit_status_and_a_sentence_on_stderr(
    error: BaseException | None, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def session(*_: object, **__: object) -> int:
        if error is not None:
            raise error
        return cli.DONE

    monkeypatch.setattr(oneshot, "session", session)
    assert cli.main(["trip", "list"]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == (status not in (cli.DONE, cli.INTERRUPTED))


# R: G5
def test_the_help_names_every_exit_status() -> None:
    told = cli.make_parser().format_help().rpartition("exit status: ")[2]
    assert {int(words.split()[0]) for words in told.split(", ")} == {status for _, status in ENDS}
