"""`python skewed_server.py SECONDS …`: a server whose wall clock is wrong by so much; the rest is as for the server."""

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from roadcrew_server.__main__ import main

if __name__ == "__main__":
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(sys.argv[1])), tick=True):
        sys.exit(main(sys.argv[2:]))
