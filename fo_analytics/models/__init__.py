"""What is stored: the master (underlyings, instruments), sessions, and the time series."""

from fo_analytics.models.master import Instrument, InstrumentKind, OfficialClose, Underlying
from fo_analytics.models.series import Bar, BarCoverage, ChainMetric
from fo_analytics.models.sessions import SessionInterval, SessionKind, TradingSession

__all__ = [
    "Bar",
    "BarCoverage",
    "ChainMetric",
    "Instrument",
    "InstrumentKind",
    "OfficialClose",
    "SessionInterval",
    "SessionKind",
    "TradingSession",
    "Underlying",
]
