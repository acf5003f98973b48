"""The order book of contracts."""

from fo_analytics.api.asking import Questions


class DepthQuestions(Questions):
    """The order book of contracts."""
