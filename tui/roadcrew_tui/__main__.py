"""`roadcrew` without a sub-command: the app. Sub-commands are for `cli`, which is not imported to start the app."""

import sys

from roadcrew_tui import host


def main() -> int:
    """Start the app, or hand over to the sub-commands. Returns the exit status."""
    trouble = host.trouble()
    if trouble is not None:
        print(f"roadcrew: {trouble}", file=sys.stderr)
        return 2
    if len(sys.argv) > 1:
        from roadcrew_tui.cli import main as sub_commands  # noqa: PLC0415 - for a fast start

        return sub_commands(sys.argv[1:])
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from roadcrew_tui.doctor.terminal import NONE_HERE  # noqa: PLC0415 - seldom

        print(f"roadcrew: {NONE_HERE}", file=sys.stderr)
        return 2
    from roadcrew_tui.app import RoadcrewApp  # noqa: PLC0415 - for a fast start

    result = RoadcrewApp().run()
    if result == "demo":
        from roadcrew_tui.cli import main as sub_commands  # noqa: PLC0415 - for a fast start

        return sub_commands(["demo"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
