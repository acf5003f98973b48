"""A token that moves while a session is on."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fo_analytics.ingest.desk import Desk
from fo_analytics.ingest.master import Master
from fo_analytics.models import Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.instruments import ensure_instruments
from tests.integration.test_import_instruments import EXPIRY, MONDAY, TUESDAY, call, option, run
from tests.unit.test_master_file import write

pytestmark = pytest.mark.django_db


def test_a_contract_whose_token_changes_during_its_session_keeps_its_place_in_the_book(tmp_path: Path) -> None:
    ensure_instruments(keys=[ContractKey("NIFTY", "CE", EXPIRY, 25_000.0)], seen_on=date(2026, 8, 3))
    master = Master()
    owner = Underlying.objects.get().pk
    session = master.calendars["NSE"].session_on(date(2026, 8, 18))
    assert session is not None
    desk = Desk(master.listings[owner], session, master)
    run(write(tmp_path, option(101, 25_000), option(102, 25_100)), MONDAY)
    master.load()
    desk.refresh(master.listings[owner], master)
    assert desk.layout.instrument_ids.tolist() == [call(25_000).pk, call(25_100).pk]
    assert desk.slots_of(np.array([101, 102])).tolist() == [0, 1]
    run(write(tmp_path, option(101, 25_200), option(102, 25_100)), TUESDAY)
    master.load()
    desk.refresh(master.listings[owner], master)
    assert desk.slots_of(np.array([101, 102])).tolist() == [2, 1]
