"""How long to wait until the next try. Pure; `chance` is a number from 0 up to 1. Why these: decision 11."""

from __future__ import annotations

from roadcrew_client.settings import ClientSettings


def jittered(tries: int, chance: float, s: ClientSettings, wide: float = 0.0) -> float:
    """Full jitter: anything from 0 to the base, doubled for each try, or to `wide` more with each try, whichever is
    longer, up to the cap. Seconds."""
    return chance * min(s.backoff_cap, max(s.backoff_base * 2.0 ** min(tries, 30), wide * (tries + 1)))


def after_a_cut(tries: int, wish: float, chance: float, s: ClientSettings) -> float:
    """The first way back is short, but all who were cut with us take it: over the seconds that the server wished."""
    return max(jittered(tries, chance, s), chance * wish)


def after_no_answer(tries: int, wish: float, chance: float, s: ClientSettings, least: float = 0.0) -> float:
    """The server may be down, for all of its clients, and will be cold when it is back: many times what it wished.
    Who asked every `least` seconds does not ask more often now."""
    return max(jittered(tries, chance, s, max(wish * s.outage_spread, least)), chance * wish)
