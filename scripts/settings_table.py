"""Write the server's settings into docs/operating.md, from the model that reads them.

    uv run python scripts/settings_table.py            write the table
    uv run python scripts/settings_table.py --check    say whether it is the one that would be written

It stands between two marks there; the rest of the page is nobody's but the writer's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from annotated_types import Ge, Gt, Le, Lt

from roadcrew_server.settings import Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operating.md"
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


def table() -> str:
    """The table of all settings, in the order of the model."""
    rows = (row(name, field) for name, field in Settings.model_fields.items())
    return "\n".join(("| variable | default | may be | what |", "| --- | --- | --- | --- |", *rows))


def written(page: str) -> str:
    """The page with the table in it. Raises ValueError if the marks are not there once each, in this order."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"{PAGE.name} needs the lines {BEGIN} and {END}, once each")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """0 when the table is there as it should be, 1 when `--check` found another, 2 for a setting without a word."""
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    if silent:
        print(f"settings that nothing is said of: {', '.join(silent)}", file=sys.stderr)
        return 2
    page = PAGE.read_text("utf-8")
    new = written(page)
    if "--check" in sys.argv[1:]:
        if page != new:
            print("docs/operating.md has another table: run scripts/settings_table.py", file=sys.stderr)
        return int(page != new)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
