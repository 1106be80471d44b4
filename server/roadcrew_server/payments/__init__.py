"""Who takes the money: providers as plug-ins, and what the server gives them. Orders are booking's."""
