"""A tape is played in any terminal: here in tmux, which is none of ours."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from tests.support.terminal import roadcrew
from tests.support.tmux import TmuxPlayed

from roadcrew_tui.pilot.language import read_tape
from roadcrew_tui.pilot.meeting import Meetings
from roadcrew_tui.pilot.player import Failure, Player
from roadcrew_tui.pilot.terminal import Terminal
from roadcrew_tui.pilot.venue import Venue

TAPES = Path(__file__).parent.parent / "tapes" / "three_join"


class Shared:
    """What the tapes share, in one process."""

    def __init__(self, who: int, meetings: Meetings, clipboard: list[str]) -> None:
        self._who, self._meetings, self._clipboard = who, meetings, clipboard

    async def meet(self, name: str, within: float) -> None:
        await self._meetings.meet(self._who, name, within)

    async def put(self, text: str) -> None:
        self._clipboard.append(text)

    async def get(self) -> str:
        return self._clipboard[-1] if self._clipboard else ""

    async def server(self, action: str) -> None:
        raise NotImplementedError(action)


# R: T2, G2
@pytest.mark.skipif(not (shutil.which("tmux") or os.environ.get("CI")), reason="there is no tmux")
async def test_three_friends_plan_a_trip_in_three_windows_of_tmux(tmp_path: Path) -> None:
    tapes = [read_tape(file) for file in sorted(TAPES.glob("*.tape"))]
    meetings = Meetings(tapes, lambda who: tapes[who].file.name)
    clipboard: list[str] = []
    pictures = tmp_path / "pictures"

    async def play(who: int, address: str) -> Player:
        home = tmp_path / tapes[who].file.stem
        (home / "config").mkdir(parents=True)
        (home / "config" / "config.toml").write_text("animations = false\n", encoding="utf-8")
        environment = {
            "ROADCREW_HOME": str(home),
            "ROADCREW_SERVER": address,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        terminal: Terminal
        async with TmuxPlayed(roadcrew(), environment=environment) as terminal:
            player = Player(tapes[who], terminal, Shared(who, meetings, clipboard), pictures)
            try:
                await player.play(90)
            finally:
                await meetings.leave(who, f"{tapes[who].file.name} has ended.")
        return player

    async with Venue(None, tmp_path) as venue:
        address = await venue.address()
        done = await asyncio.gather(*(play(who, address) for who in range(len(tapes))), return_exceptions=True)
    if failures := [f"{end}\n{end.screen.text}" for end in done if isinstance(end, Failure)]:
        pytest.fail("\n\n".join(failures))
    players = [end for end in done if isinstance(end, Player)]
    assert len(players) == 3, done
    assert min(player.expectations for player in players) >= 9
    assert len(clipboard) == 1
    assert f"{address}/j/" in clipboard[0]
    assert 'fill="#' in (pictures / "three_join" / "ana-votes.svg").read_text("utf-8")
