"""The command line is made from the same classes as the keys."""

import shlex
from itertools import takewhile

import pytest

from roadcrew_tui import cli
from roadcrew_tui.commands import everything

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
