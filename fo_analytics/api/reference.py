"""What is listed: underlyings, instruments, indicators."""

from fo_analytics.api.asking import Questions


class ReferenceQuestions(Questions):
    """What is listed: underlyings, instruments, indicators."""
