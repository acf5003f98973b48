"""One canonical symbol for every name that people, brokers and charts give an underlying."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.symbols import canonical

NAMES = {
    "NIFTY": ("NIFTY", "NIFTY50", "NIFTY 50", "^NSEI", "NSE:NIFTY", "NSE:NIFTY 50"),
    "BANKNIFTY": ("BANKNIFTY", "NIFTY BANK", "NIFTYBANK", "BANK NIFTY", "^NSEBANK", "NFO:BANKNIFTY"),
    "FINNIFTY": ("FINNIFTY", "NIFTY FIN SERVICE", "NIFTY FINANCIAL SERVICES"),
    "MIDCPNIFTY": ("MIDCPNIFTY", "NIFTY MID SELECT", "NIFTY MIDCAP SELECT"),
    "NIFTYNXT50": ("NIFTYNXT50", "NIFTY NEXT 50"),
    "SENSEX": ("SENSEX", "BSE:SENSEX", "BSE SENSEX", "^BSESN", "BFO:SENSEX"),
}
EVERY_NAME = [(symbol, name) for symbol, names in NAMES.items() for name in names]


@pytest.mark.parametrize(("symbol", "name"), EVERY_NAME)
def test_every_known_name_leads_to_the_canonical_symbol(symbol: str, name: str) -> None:
    assert canonical(name) == symbol


@pytest.mark.parametrize(("symbol", "name"), EVERY_NAME)
def test_case_and_spacing_do_not_matter(symbol: str, name: str) -> None:
    assert canonical(f"  {name.lower().replace(' ', '   ')}\t") == symbol


@pytest.mark.parametrize("name", ["RELIANCE", "M&M", "BAJAJ-AUTO", "NIFTYX", "50", "NIFTY 500"])
def test_a_name_that_is_not_known_stays_what_it_is(name: str) -> None:
    assert canonical(name) == name


@given(name=st.text())
def test_the_canonical_symbol_of_a_canonical_symbol_is_itself_where_no_exchange_is_left(name: str) -> None:
    once = canonical(name)
    assert canonical(once) == once or ":" in once


@given(name=st.text())
def test_no_name_is_too_strange(name: str) -> None:
    assert canonical(name) == canonical(name.upper()) == canonical(f" {name} ")
