"""Names of the topics this app publishes."""

M2M = "m2m:"


def m2m_topic(strategy_id: int) -> str:
    """Return the topic of what a strategy is worth."""
    return f"{M2M}{strategy_id}"


def strategy_of(topic: str) -> int:
    """Return the strategy of an M2M topic."""
    return int(topic.removeprefix(M2M))
