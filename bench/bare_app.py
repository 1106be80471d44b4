"""The floor that we compare with: a Textual app with a header, a footer and a label, and nothing else.

With a port it also paints every line that arrives on that socket, which is the least that a live screen can do;
with an address and a trip it asks for the trip every 3 s and paints its votes, as the source systems did.
"""

import asyncio
import sys

from textual.app import App, ComposeResult
from textual.widgets import Footer, Header, Label


class Bare(App[None]):
    """A header, a footer, a label."""

    def compose(self) -> ComposeResult:
        yield Header()
        yield Label("bare app ready", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        if len(sys.argv) == 2:
            self.run_worker(self.paint_lines(int(sys.argv[1])))
        elif len(sys.argv) == 4:
            self.run_worker(self.poll(*sys.argv[1:]))

    async def paint_lines(self, port: int) -> None:
        """Paint each line from the socket."""
        reader, _ = await asyncio.open_connection("127.0.0.1", port)
        while line := await reader.readline():
            self.query_one(Label).update(line.decode().strip())

    async def poll(self, server: str, token: str, trip: str) -> None:
        """Paint the number of votes, asked for every 3 s."""
        import httpx  # noqa: PLC0415 - only this variant needs it

        async with httpx.AsyncClient(base_url=server, headers={"Authorization": f"Bearer {token}"}) as http:
            while True:
                answer = (await http.get("/api/social-cart/join", params={"tripId": trip})).json()
                votes = sum(len(o["votes"]) for p in answer["trip"]["polls"] for o in p["options"])
                self.query_one(Label).update(f"votes {votes} counted")
                await asyncio.sleep(3)


if __name__ == "__main__":
    Bare().run()
