"""What a cart's things are called where others can see them: ids that lead nobody back to the person, but for
`reference_of`, which a provider alone is told and must lead back.

A line's id is the idempotency key of who added it, so it must not be met in a slot's log: who sent it as their own key
would be taken for them. Whose cart it is can work them out, to tell a box office what they want to pay. Pure.
"""

from roadcrew_domain.ids import command_id


def hold_of(user: str, line_id: str) -> str:
    """A line's seats in the slot."""
    return command_id(f"hold {line_id}", user)


def order_of(user: str, order_id: str, line_id: str) -> str:
    """An order, where it has the seats of one line: by another name for each, or a booking that one slot shows would
    lead to those of the same person in other slots."""
    return command_id(f"order {order_id} {line_id}", user)


def booking_of(user: str, line_id: str) -> str:
    """A line that was ordered, in the trip."""
    return command_id(f"booking {line_id}", user)


def charge_of(user: str, payment_id: str) -> str:
    """A payment, at its provider: of an attempt, or of an order that is paid later."""
    return command_id(f"charge {payment_id}", user)


def step_of(user: str, command: str, what: str) -> str:
    """The command with which a step of somebody's command is taken elsewhere."""
    return command_id(f"{what} {command}", user)


def reference_of(user: str, order_id: str) -> str:
    """What a provider gives back to us."""
    return f"{user}_{order_id}"


def order_in(reference: str) -> tuple[str, str] | None:
    """The person and the order that a provider's notice is about."""
    user, found, order_id = reference.partition("_")
    return (user, order_id) if found else None
