"""What a shell is told of the command line: true shells complete it, and true readers of manuals take its pages."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from roadcrew_tui.cli import REFUSED, USAGE, main, make_parser
from roadcrew_tui.commands import everything
from roadcrew_tui.shell.command import SHELLS
from roadcrew_tui.shell.completing import script
from roadcrew_tui.shell.manual import pages

ASK = """
source completions.bash
while IFS= read -r line; do
  COMP_WORDS=($line)
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  _shtab_roadcrew
  echo "${COMPREPLY[*]}"
done
"""
"""What bash does when somebody presses tab, for each line of its input."""

SHELL_CHECKS = {"bash": "-n", "zsh": "-n", "fish": "--no-execute"}
PAGE_CHECKS = {"man": ["man", "--warnings", "-l"], "mandoc": ["mandoc", "-T", "lint", "-W", "warning"]}
PATHS = "hotels.csv ana.tape pictures"
COMPLETED = {
    "roadcrew tri": "trip",
    "roadcrew trip h": "hand-over history",
    "roadcrew trip new Lisbon --de": "--destination",
    "roadcrew hotel open-voting --tie ch": "cheapest",
    "roadcrew poll new When? --kind ": "single multiple yes-maybe-no",
    "roadcrew watch --channel comments --channel po": "posts",
    "roadcrew talk react 3 he": "heart",
    "roadcrew completions ": "bash zsh fish",
    "roadcrew import file ": PATHS,
    "roadcrew talk image --hotel Casa ": PATHS,
    "roadcrew cart receipt --ics ": PATHS,
    "roadcrew pilot ana.tape ho": "hotels.csv",
    "roadcrew pilot --out ": "pictures",
    "roadcrew serve --pu": "--public-url",
    "roadcrew serve --catalog ": PATHS,
    "roadcrew admin ba": "backup",
    "roadcrew admin export --js": "--json",
    "roadcrew price-monitor --data ": "pictures",
    "roadcrew man tr": "trip",
    "roadcrew man r": "roadcrew",
    "roadcrew trip show --server ": "",
    "roadcrew trip show --trip ": "",
}
"""What is typed, and what tab offers for it."""


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of all that can be run."""
    inner = [sub for a in parser._actions if isinstance(a, argparse._SubParsersAction) for sub in a.choices.values()]
    yield from (leaf for sub in inner for leaf in leaves(sub))
    if not inner:
        yield parser


# R: G5
def test_tab_in_bash_offers_sub_commands_options_choices_and_files_where_they_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "completions.bash").write_text(script(make_parser(), "bash"), "utf-8")
    here = tmp_path / "here"
    (here / "pictures").mkdir(parents=True)
    for name in ("hotels.csv", "ana.tape"):
        (here / name).touch()
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK.replace("completions.bash", str(tmp_path / "completions.bash"))],
        input="".join(f"{line}\n" for line in COMPLETED),
        cwd=here,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    offered = dict(zip(COMPLETED, done.stdout.splitlines(), strict=True))
    assert {line: sorted(words.split()) for line, words in offered.items()} == {
        line: sorted(words.split()) for line, words in COMPLETED.items()
    }


# R: G5
@pytest.mark.parametrize("shell", SHELLS)
def test_the_completions_of_a_shell_know_every_option_and_are_taken_by_it(shell: str, tmp_path: Path) -> None:
    told = script(make_parser(), shell)
    words = set(re.findall(r"[a-z][a-z-]*", told))
    for leaf in leaves(make_parser()):
        assert words.issuperset(leaf.prog.split()), leaf.prog
        assert words.issuperset(o.lstrip("-") for a in leaf._actions for o in a.option_strings), leaf.prog
    (tmp_path / "told").write_text(told, "utf-8")
    if (program := shutil.which(shell)) is not None:  # bash is everywhere; the others check theirs where they are
        subprocess.run([program, SHELL_CHECKS[shell], tmp_path / "told"], check=True, timeout=30)


def test_completions_are_printed_and_another_shell_is_a_question_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completions", "fish"]) == 0
    assert capsys.readouterr().out == script(make_parser(), "fish") + "\n"
    with pytest.raises(SystemExit, match=str(USAGE)):
        main(["completions", "elvish"])


# R: G5
def test_the_manual_tells_every_sub_command_with_all_its_arguments() -> None:
    found = {name: page.replace("\\-", "-") for name, page in pages(make_parser(), date(2027, 5, 21)).items()}
    for command in everything():
        if command.sub is not None:
            group, name = command.sub
            assert f"\\fBroadcrew-{group}\\fR(1)" in found["roadcrew"]
            _, _, rest = found[f"roadcrew-{group}"].partition(f".SS roadcrew {group} {name}\n")
            told = rest.partition("\n.SS ")[0]
            for argument in command.arguments:
                assert f"\n\\fB--{argument.name}\\fR" in told or f"\n\\fI{argument.name.upper()}\\fR" in told, told
            for example in command.examples:
                assert example.replace("\\", "\\e") in told


def test_readers_of_manuals_take_the_pages_without_a_warning(tmp_path: Path) -> None:
    assert main(["man", "--out", str(tmp_path / "man1")]) == 0
    written = sorted((tmp_path / "man1").iterdir())
    assert [page.name for page in written[:2]] == ["roadcrew-admin.1", "roadcrew-book.1"]
    for name in filter(shutil.which, PAGE_CHECKS):
        done = subprocess.run([*PAGE_CHECKS[name], *written], capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr == ""
        assert "WARNING" not in done.stdout


def test_what_looks_like_an_order_to_the_formatter_is_only_text() -> None:
    parser = argparse.ArgumentParser("roadcrew", description="Plans.\n\n.so /etc/passwd\n'br\nC:\\fB")
    page = pages(parser, date(2027, 5, 21))["roadcrew"]
    assert "\n\\&.so /etc/passwd\n\\&'br\nC:\\efB\n" in page


def test_a_page_is_printed_by_its_group_and_one_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man", "trip"]) == 0
    assert capsys.readouterr().out.startswith(".TH ROADCREW\\-TRIP 1 ")
    assert main(["man", "roadcrew"]) == 0
    page = capsys.readouterr().out.replace("\\-", "-")
    assert page.startswith(".TH ROADCREW 1 ")
    assert "--public-url" in page
    assert main(["man", "admin"]) == 0
    assert ".SS roadcrew admin backup" in capsys.readouterr().out
    assert main(["man", "nothing"]) == USAGE
    assert "There are: roadcrew, admin," in capsys.readouterr().err


def test_pages_that_cant_be_written_are_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["man", "--out", str(tmp_path / "file" / "man1")]) == REFUSED
    assert "can't be written" in capsys.readouterr().err
