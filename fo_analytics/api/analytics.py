"""What chains mean: smile, surface, term structure, exposure, changes of open interest."""

from fo_analytics.api.asking import Questions


class AnalyticsQuestions(Questions):
    """What chains mean: smile, surface, term structure, exposure, changes of open interest."""
