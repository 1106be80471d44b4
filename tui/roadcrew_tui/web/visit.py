"""What runs behind one page: the app of a visitor, spoken to over pipes. terminal.py starts it, perhaps with the code
of an invite, in an environment made from nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from roadcrew_domain.ids import is_id
from roadcrew_tui import app
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.screens.entry import join_trip
from roadcrew_tui.settings import LOCAL_SERVER, Folders

SHEETS = Path(app.__file__).parent


class VisitApp(RoadcrewApp):
    """The page of an invite is where people come back to: who has joined by it is in the trip again."""

    # Textual looks for sheets beside the class that it was given.
    CSS_PATH = [SHEETS / sheet for sheet in RoadcrewApp.CSS_PATH]  # noqa: RUF012 - as App has it

    def __init__(self, folders: Folders, invite: str | None) -> None:
        super().__init__(folders=folders, invite=invite)
        self._noted = note_of(folders, invite) if invite else None
        self._joined = trip_in(self._noted)
        self._joining = False

    async def begin_with(self, invite: str) -> None:
        """Be who this browser was, then go to the invite's trip, or join it."""
        self.first_trip = self._joined
        await self.begin(self.server or LOCAL_SERVER)
        if self._joined is not None and self.user is not None:
            return
        self.first_trip, self._joining = None, True
        try:
            await join_trip(self, invite)
        finally:
            self._joining = False

    def open_trip(self, trip_id: str) -> None:
        """Show a trip, and remember it if it is the invite's."""
        if self._joining and self._noted is not None:
            self.keeper.keep(self._noted, trip_id)
        super().open_trip(trip_id)


def note_of(folders: Folders, code: str) -> Path:
    """Where it is noted which trip was joined by a code, as `parse_invite_code` gives it."""
    return folders.state / "invites" / code


def trip_in(note: Path | None) -> str | None:
    """The trip that was noted, if one was."""
    try:
        said = note.read_text("utf-8") if note is not None else ""
    except (OSError, UnicodeDecodeError):
        return None
    return said if is_id(said) else None


def main() -> int:
    """Open the app. Returns the exit status."""
    VisitApp(Folders.of_this_person(), sys.argv[1] if len(sys.argv) > 1 else None).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
