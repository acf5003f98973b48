"""Every parameter of /fo/strike-distribution really works, and junk is refused by name."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.asking import PROBLEM, Asker, answer_of
from tests.api.market import BELOW_INTRINSIC, FAR, NEAR, SILENT, STRIKES, UNSEEN

pytestmark = pytest.mark.usefixtures("market")

SORTS = ("call_oi", "put_oi", "call_volume", "put_volume", "call_iv", "put_iv")
LABELS = ["NWeek+0", "NWeek+1", "NWeek+2", "NMonth+0", "NMonth+1", "NQuarter+0"]


@pytest.mark.parametrize("name", ["NIFTY", "nifty 50", "^NSEI", "NFO:NIFTY"])
@pytest.mark.parametrize("parameter", ["underlying", "symbol"])
def test_an_underlying_may_be_named_by_alias_and_by_both_parameters(ask: Asker, parameter: str, name: str) -> None:
    body = ask("/fo/strike-distribution", **{parameter: name}).body
    assert (body["underlying"], len(body["chains"])) == ("NIFTY", 1)


def test_expiries_may_be_labels_and_dates_in_any_order(ask: Asker) -> None:
    body = ask.chains(expiry=["2026-02-10", "NWeek+0", "nquarter+0"]).body
    assert [chain["expiry"] for chain in body["chains"]] == [str(day) for day in (FAR, NEAR, SILENT)]


def test_an_expiry_named_twice_is_shown_once(ask: Asker) -> None:
    body = ask.chains(expiry=["NWeek+1", "NMonth+0", "2026-02-10"]).body
    assert [chain["expiry"] for chain in body["chains"]] == [FAR.isoformat()]


def test_a_label_whose_plus_arrived_as_a_space_is_understood(ask: Asker) -> None:
    pasted = answer_of(ask.client.get("/fo/strike-distribution?underlying=NIFTY&expiry=NWeek+1"))
    assert pasted.chain == ask.chains(expiry="NWeek+1").chain == ask.chains(expiry="NWeek 1").chain


@pytest.mark.parametrize(
    "label", ["NWeek+99", "NMonth+2", "NYear+0", "NWeek-1", "2026-02-04", "2026-02-30", "junk", ""]
)
def test_an_expiry_that_is_none_is_refused_with_the_valid_ones(ask: Asker, label: str) -> None:
    problem = ask.chains(expiry=["NWeek+0", label]).problem(400)
    if label:
        assert problem["expiry"]["valid"] == [*LABELS, *(str(day) for day in (NEAR, FAR, SILENT))]
        assert label in problem["expiry"]["message"]


def test_more_expiries_than_there_is_room_for_are_refused(ask: Asker) -> None:
    assert set(ask.chains(expiry=["NWeek+0"] * 13).problem(400)) == {"expiry"}


@pytest.mark.parametrize("parameter", ["levels", "strike_range"])
@pytest.mark.parametrize(("levels", "shown"), [(0, 1), (1, 3), (3, 7), (5, 11), (500, 11)])
def test_levels_are_rungs_each_side_of_the_money(ask: Asker, parameter: str, levels: int, shown: int) -> None:
    answer = ask.chains(**{parameter: levels})
    at = STRIKES.index(25_000.0)
    assert answer.strikes == list(STRIKES[max(0, at - levels) : at + levels + 1])
    assert (len(answer.strikes), answer.body["levels"]) == (shown, levels)


def test_fifty_levels_are_the_default(ask: Asker) -> None:
    assert ask.chains().body["levels"] == 50


@pytest.mark.parametrize(("side", "shown"), [("call", {"call"}), ("put", {"put"}), ("both", {"call", "put"})])
def test_option_side_leaves_the_other_side_out(ask: Asker, side: str, shown: set[str]) -> None:
    chain = ask.chains(option_side=side).chain
    assert {name for row in chain["strikes"] for name in row} == {"strike", *shown}


def test_leaving_a_side_out_changes_no_number_of_the_head(ask: Asker) -> None:
    whole, calls = ask.chains().chain, ask.chains(option_side="call").chain
    assert {n: v for n, v in calls.items() if n != "strikes"} == {n: v for n, v in whole.items() if n != "strikes"}


def test_strikes_come_upwards_by_default_and_downwards_with_a_minus(ask: Asker) -> None:
    assert ask.chains().strikes == list(STRIKES)
    assert ask.chains(sort="strike").strikes == list(STRIKES)
    assert ask.chains(sort="-strike").strikes == list(reversed(STRIKES))


@pytest.mark.parametrize("name", SORTS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_sort_orders_what_is_known_and_puts_the_unknown_last(ask: Asker, sign: str, name: str) -> None:
    side, field = name.split("_")
    chain = ask.chains(sort=f"{sign}{name}").chain
    values = [row[side][field] for row in chain["strikes"]]
    known = [value for value in values if value is not None]
    assert values == sorted(known, reverse=sign == "-") + [None] * (len(values) - len(known))
    assert sorted(row["strike"] for row in chain["strikes"]) == list(STRIKES)


@pytest.mark.parametrize(
    ("sort", "unknown"), [("put_oi", UNSEEN[2]), ("-put_oi", UNSEEN[2]), ("call_iv", BELOW_INTRINSIC[2])]
)
def test_the_contract_whose_value_is_unknown_is_the_last(ask: Asker, sort: str, unknown: float) -> None:
    assert ask.chains(sort=sort).strikes[-1] == unknown


def test_a_sort_by_a_side_that_is_left_out_still_orders(ask: Asker) -> None:
    assert ask.chains(sort="-call_oi", option_side="put").strikes == ask.chains(sort="-call_oi").strikes


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("sort", "strike;drop table bar"),
        ("sort", "--strike"),
        ("sort", "call_gamma"),
        ("levels", "-1"),
        ("levels", "501"),
        ("levels", "many"),
        ("levels", "2.5"),
        ("levels", "1e1"),
        ("strike_range", "-1"),
        ("option_side", "CE"),
        ("convention", "bs"),
        ("at", "yesterday"),
        ("at", "2026-02-30"),
        ("at", "-1"),
        ("at", "1770006735000"),
        ("at", "99999999999999999999"),
        ("at", "٣"),
        ("at", "NaN"),
        ("underlying", "x" * 33),
        ("expiry", "x" * 33),
        ("colour", "red"),
    ],
)
def test_junk_is_refused_by_the_name_of_its_parameter(ask: Asker, parameter: str, value: str) -> None:
    problem = ask.chains(**{parameter: value}).problem(400)
    assert {name.split(".")[0] for name in problem} == {parameter}
    assert problem[next(iter(problem))]["message"]


def test_all_that_is_wrong_is_named_at_once(ask: Asker) -> None:
    problem = ask.chains(levels="many", sort="junk", at="junk").problem(400)
    assert set(problem) == {"levels", "sort", "at"}


def test_an_instant_of_the_future_is_refused(ask: Asker) -> None:
    assert "past" in ask.chains(at="2099-01-01").problem(400)["at"]["message"]


TEXT = st.text(max_size=40)
MIXED = st.dictionaries(
    st.sampled_from(["underlying", "symbol", "expiry", "levels", "strike_range", "option_side", "sort", "at"]),
    st.one_of(
        TEXT,
        st.sampled_from(["NIFTY", "NWeek+0", "2026-02-03", "3", "call", "-put_iv", "nse"]),
        st.integers(),
    ),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parameters=MIXED)
def test_whatever_is_asked_the_answer_is_chains_or_a_problem(ask: Asker, parameters: dict[str, Any]) -> None:
    answer = ask("/fo/strike-distribution", **parameters)
    assert answer.status in (200, 400)
    assert answer.status == 200 or answer.headers["Content-Type"] == PROBLEM
