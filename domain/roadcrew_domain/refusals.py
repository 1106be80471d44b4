"""How a rule says no: a stable code for programs, a sentence for people."""

from typing import Literal

Kind = Literal["invalid", "forbidden", "missing", "conflict", "gone", "full"]
"""What sort of no it is; the server turns it into an HTTP status, a terminal into a way on."""


class Refused(Exception):
    """A command was understood and not accepted. Nothing has changed.

    `code` is stable and for programs, `detail` is a sentence for people, `facts` are what a screen may
    need to say it better (a deadline, a limit, the name of a field).
    """

    def __init__(self, code: str, kind: Kind, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.code = code
        self.kind: Kind = kind
        self.detail = detail
        self.facts = facts
