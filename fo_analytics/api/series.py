"""Series over time: moneyness, measures, straddles, strikes."""

from fo_analytics.api.asking import Questions


class SeriesQuestions(Questions):
    """Series over time: moneyness, measures, straddles, strikes."""
