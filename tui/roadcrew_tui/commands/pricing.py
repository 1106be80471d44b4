"""Arguments that sub-commands about prices and imports share; the actions are in quotes.py, imports.py, prices.py."""

from __future__ import annotations

from roadcrew_tui.commands.base import Argument

TRIP = Argument("trip", "which trip: its id or a part of its name (default: your only one)")
ALONE = Argument("alone", "for no trip: nobody else sees it", kind="flag")
DAYS = Argument("dates", 'from when to when, such as "21 to 25 May" (default: the days of the trip)', kind="date")
NO_WAIT = Argument("no-wait", "print what has begun, and end", kind="flag")
RUN = Argument("quote", "its number in roadcrew quote list, or its id (default: the newest)", positional=True)
OF_RUN = Argument("quote", "which run: its number in roadcrew quote list, or its id (default: the newest)")
IMPORT = Argument("import", "its number in roadcrew import list, name or id (default: the newest)", positional=True)
OF_IMPORT = Argument("import", "which import: its number in roadcrew import list, or its id (default: the newest)")
AFTER = Argument("after", "go on after this, as the last line of a list says")
LIMIT = Argument("limit", "how many at the most (default 50)", kind="number")
