"""What is stored: the master (underlyings, instruments), sessions, and the time series."""

from fo_analytics.models.master import (
    Instrument,
    InstrumentKind,
    MasterImport,
    OfficialClose,
    SupersededTerms,
    Underlying,
)
from fo_analytics.models.repairs import Repair, RepairOutcome
from fo_analytics.models.series import Bar, BarCoverage, BarRollup, ChainMetric, RollupDue
from fo_analytics.models.sessions import SessionInterval, SessionKind, TradingSession

__all__ = [
    "Bar",
    "BarCoverage",
    "BarRollup",
    "ChainMetric",
    "Instrument",
    "InstrumentKind",
    "MasterImport",
    "OfficialClose",
    "Repair",
    "RepairOutcome",
    "RollupDue",
    "SessionInterval",
    "SessionKind",
    "SupersededTerms",
    "TradingSession",
    "Underlying",
]
