"""The README's first command, without a terminal."""

import subprocess
import time

from tests.conftest import Figure
from tests.support.terminal import roadcrew


# R: G1, G2
def test_the_demo_without_a_terminal_says_what_happens_and_exits_0_within_30_seconds(figure: Figure) -> None:
    began = time.monotonic()
    done = subprocess.run(roadcrew("demo", "--seconds", "8"), capture_output=True, text=True, timeout=30, check=False)
    figure("seconds", f"{time.monotonic() - began:.1f}")
    assert done.returncode == 0, done.stdout + done.stderr
    for sentence in (
        "You started this trip",
        "Ben (sim) joined",
        "asked: When do we fly?",
        "added Casa Azul",
        "voted in",
        "Carla (sim) asked for prices of hotels",
        "Ben (sim): Who wants to see Belém on the first day?",
        "Dev (sim) likes it",
    ):
        assert sentence in done.stdout
    assert "all see the same trip" in done.stdout.splitlines()[-1]
    assert done.stderr == ""
