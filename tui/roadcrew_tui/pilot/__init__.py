"""Terminals driven by a script: `roadcrew pilot TAPE …`. Not for what a tape means to the server: a tape only presses
keys and looks at a screen, as a person would.

A tape is read by `language` into steps (`tape`). A `player` plays them at a `terminal`: the app behind Textual's
headless driver (`headless`), or the true command in a pseudo-terminal (`pseudo`). Each tape is played in a process of
its own, so that every terminal has its own environment; `director` starts them, lets them meet, and reports.
"""
