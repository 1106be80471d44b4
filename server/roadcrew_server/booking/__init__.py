"""Booking: seats for people, over the logs of their carts and of the slots. The rules are the domain's."""
