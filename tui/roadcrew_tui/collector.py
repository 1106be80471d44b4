"""Python's collector of cycles stops every thread while it looks: with all our modules loaded, for 50 ms and more."""

import gc

THRESHOLDS = (1_000, 10, 50)
"""Of Python's three generations; the last one, which is everything, a fifth as often as it would be by itself. What a
trip is made of is not looked at anyway: `roadcrew_domain.values`."""


def spare_what_is_here() -> None:
    """Never look again at what there is now. For after imports, a few times in a program's life: rubbish among it
    stays too."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
