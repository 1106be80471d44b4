"""`roadcrew simulate`: a crowd of real clients that act by a seeded plan, and a check that nobody lost anything.

plan.py says who does what and when, choices.py what that means in a trip as it is at that moment, person.py is one of
the crowd and crew.py one trip, talker.py what they say of it, ledger.py compares what was accepted with the server's
log, run.py is the whole run, tally.py and report.py what came of it. Not for the few members of `roadcrew demo`, who
tell a story: those are crowd.py's.
"""
