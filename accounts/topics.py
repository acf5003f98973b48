"""Names of the topics of this app."""


def orders_topic(account_id: int) -> str:
    """Return the topic of an account's orders of the day."""
    return f"orders:{account_id}"
