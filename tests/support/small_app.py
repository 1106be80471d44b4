"""An app that has a little of all that screens are made of: styles, colours, faint text, wide and joined characters.

Runs as a program, too.
"""

from textual.app import App, ComposeResult
from textual.widgets import Input, Static

FAMILY, HEART = "👩\u200d👩\u200d👧", "❤\ufe0f"
STYLED = (
    "[b]bold[/] [i]italic[/] [u]under[/] [reverse]reverse[/] [dim]faint[/] [strike]gone[/] [b u red on green]all[/]"
)


class Small(App[None]):
    """It is still: nothing blinks."""

    CSS = "#wide { background: blue 30%; }"

    def compose(self) -> ComposeResult:
        yield Static(STYLED)
        yield Static(f"日本語|한국어|é|e\u0301|{HEART}|{FAMILY}|✓ ● ▌ ┌─┐ the end", id="wide")
        yield Input("typed 日本")

    def on_mount(self) -> None:
        self.title = "small"
        self.set_focus(None)


if __name__ == "__main__":
    Small().run()
