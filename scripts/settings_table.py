"""Write the settings into the documentation, from what reads them: the server's into docs/operating.md, the app's into
docs/settings.md.

    uv run python scripts/settings_table.py            write the tables
    uv run python scripts/settings_table.py --check    say whether they are those that would be written

Each stands between two marks there; the rest of the page is nobody's but the writer's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from annotated_types import Ge, Gt, Le, Lt

from roadcrew_server.settings import Settings
from roadcrew_tui.setting import Setting, Words, told
from roadcrew_tui.settings_model import TABLE

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN = "<!-- settings: written by scripts/settings_table.py, not by hand -->"
END = "<!-- end of settings -->"


def bounds(field: FieldInfo) -> str:
    """What a number may be: `> 0`, `1 to 64`; nothing for what is no number."""
    low = next((m for m in field.metadata if isinstance(m, Gt | Ge)), None)
    high = next((m for m in field.metadata if isinstance(m, Lt | Le)), None)
    match low, high:
        case Ge(ge=least), Le(le=most):
            return f"{least} to {most}"
        case Gt(gt=least), Le(le=most):
            return f"over {least}, to {most}"
        case Ge(ge=least), None:
            return f"{least} or more"
        case Gt(gt=least), None:
            return f"over {least}"
    return ""


def row(name: str, field: FieldInfo) -> str:
    """One line of the table."""
    default = "" if field.is_required() or field.default_factory is not None else field.default
    variable = field.validation_alias or f"ROADCREW_{name.upper()}"
    shown = "" if default in (None, "") else str(default)
    said = " ".join((field.description or "").split())
    return f"| `{variable}` | {shown} | {bounds(field)} | {said} |"


def server_table() -> str:
    """The table of the server's settings, in the order of the model."""
    rows = (row(name, field) for name, field in Settings.model_fields.items())
    return "\n".join(("| variable | default | may be | what |", "| --- | --- | --- | --- |", *rows))


def app_row(name: str, setting: Setting) -> str:
    """One line of the table of the app's settings."""
    default = (
        setting.nothing if setting.default is None else "" if setting.default == {} else f"`{told(setting.default)}`"
    )
    may_be = f'such as `"{setting.kind.example}"`' if isinstance(setting.kind, Words) else setting.kind.may_be
    return f"| `{name}` | {default} | {may_be} | {setting.help} |"


def app_table() -> str:
    """The table of the app's settings, in the order in which its screen shows them."""
    rows = (app_row(name, setting) for name, setting in TABLE.items())
    return "\n".join(("| setting | default | may be | what |", "| --- | --- | --- | --- |", *rows))


PAGES = {"operating.md": server_table, "settings.md": app_table}


def written(name: str, page: str, table: str) -> str:
    """The page with the table in it. Raises ValueError if the marks are not there once each, in this order."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"{name} needs the lines {BEGIN} and {END}, once each")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """0 when the tables are there as they should be, 1 when `--check` found another, 2 for a setting without a word."""
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    silent += [name for name, setting in TABLE.items() if not setting.help]
    if silent:
        print(f"settings that nothing is said of: {', '.join(silent)}", file=sys.stderr)
        return 2
    status = 0
    for name, table in PAGES.items():
        page = (DOCS / name).read_text("utf-8")
        new = written(name, page, table())
        if "--check" not in sys.argv[1:]:
            (DOCS / name).write_text(new, "utf-8")
        elif page != new:
            print(f"docs/{name} has another table: run scripts/settings_table.py", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
