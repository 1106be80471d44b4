"""Build the documentation site, and see that it loads nothing from elsewhere.

    uv run python scripts/docs_site.py            build it in site/, to be read from there or served by any web server
    uv run python scripts/docs_site.py --check    build it in a folder that goes away again, and say what is wrong

Strict: a link or an anchor that leads nowhere, or a page that nothing leads to, fails it. What is on the pages:
mkdocs.yml and docs_pages.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
PATIENCE = 300.0
"""Seconds."""
LOADS = {"src", "srcset", "data", "poster", "background"}
"""Attributes that make a browser fetch something, whatever the element."""
LINKED = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "dns-prefetch", "preconnect", "manifest"}
"""What a `<link>` is that does so; others (`next`, `canonical`) are only said."""
ADDRESS = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.I)
IN_STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])([^"')]+)""", re.I)


class Loads(HTMLParser):
    """What a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what it loads by itself; where a link leads that somebody may follow is nobody's business."""
        said = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "link" and LINKED & set(said.get("rel", "").lower().split()):
            self.found.append(said.get("href", ""))
        if tag in {"use", "image"}:  # of SVG
            self.found += [said[name] for name in ("href", "xlink:href") if name in said]
        self.found += [value for name, value in said.items() if name in LOADS]
        self.found += IN_STYLES.findall(said.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Take what styles load."""
        if self._in_style:
            self.found += IN_STYLES.findall(data)

    def handle_endtag(self, tag: str) -> None:
        """Know where styles end."""
        if tag == "style":
            self._in_style = False


def loads(path: Path) -> list[str]:
    """What one file of the site loads."""
    text = path.read_text("utf-8")
    if path.suffix == ".css":
        return IN_STYLES.findall(text)
    page = Loads()
    page.feed(text)
    page.close()
    return page.found


def outside(site: Path) -> list[str]:
    """What the site would fetch from another place, or does not have itself: a line for each."""
    wrong = []
    for path in sorted(p for p in site.rglob("*") if p.suffix in {".html", ".css", ".svg"}):
        for said in loads(path):
            address = said.split()[0] if said.split() else ""  # `srcset` says a width behind it
            name = path.relative_to(site)
            if ADDRESS.match(address):
                wrong.append(f"{name} loads {address}")
            elif address and not address.startswith(("data:", "#")):
                there = re.split("[?#]", address)[0]
                base = site if there.startswith("/") or path.name == "404.html" else path.parent
                if not (base / there.lstrip("/")).is_file():
                    wrong.append(f"{name} loads {address}, which is not there")
    return sorted(set(wrong))


def built(site: Path) -> str:
    """Build it; what is wrong with it, empty when nothing is."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean", "--quiet", "--site-dir", str(site)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        return f"{done.stdout}{done.stderr}"
    return "\n".join(outside(site))


def main() -> int:
    """0 when it is built and loads nothing from elsewhere, 1 when not."""
    if "--check" in sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="roadcrew-docs-") as folder:
            wrong = built(Path(folder))
    else:
        wrong = built(SITE)
    if wrong:
        print(wrong, file=sys.stderr)
        return 1
    if "--check" not in sys.argv[1:]:
        print(f"{SITE / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
