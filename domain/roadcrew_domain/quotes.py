"""A quote run, in one place to import from: its state (quotes_state.py), what can be done to it (quotes_decide.py,
quotes_request.py), what that changes (quotes_evolve.py), its JSON (quotes_views.py), and its prices beside each other
(quotes_standings.py). Pure.
"""

from roadcrew_domain.quotes_decide import decide
from roadcrew_domain.quotes_evolve import evolve
from roadcrew_domain.quotes_request import checked_request, units
from roadcrew_domain.quotes_standings import Change, Standing, changed, currencies, standings
from roadcrew_domain.quotes_state import QuoteCommand, QuoteRun
from roadcrew_domain.quotes_views import decode_run, encode_run
from roadcrew_domain.running import next_due

__all__ = [
    "Change",
    "QuoteCommand",
    "QuoteRun",
    "Standing",
    "changed",
    "checked_request",
    "currencies",
    "decide",
    "decode_run",
    "encode_run",
    "evolve",
    "next_due",
    "standings",
    "units",
]
