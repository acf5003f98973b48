"""Every page of the admin opens for staff, and for nobody else."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import api_keys
from accounts.models import ApiKey, Funds, Holding, Order, Position, SecurityEvent, TradingAccount, User
from accounts.principal import SCOPES
from fo_analytics.models import BarCoverage, Instrument, OfficialClose, TradingSession, Underlying
from fo_analytics.services.coverage import refresh_coverage
from tests.api.market import FIRST, ist, list_contracts, snapshot
from tests.integration.accounts.made import demo_account
from tests.integration.admin.conftest import MONDAY, fill_account, registered
from tests.rig.cast import PASSWORD

EVERYTHING = pytest.mark.parametrize("model", registered(), ids=lambda model: model._meta.label)
OURS = pytest.mark.parametrize(
    "model",
    [
        Underlying,
        Instrument,
        TradingSession,
        BarCoverage,
        OfficialClose,
        ApiKey,
        SecurityEvent,
        TradingAccount,
        Order,
        Position,
        Holding,
        Funds,
    ],
)


def address(model: type[Model], page: str, *args: object) -> str:
    """Return the path of a page of a model."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def may_add(model: type[Model]) -> bool:
    """Return whether the model's admin lets a superuser add rows."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    return admin.site._registry[model].has_add_permission(request)


def test_the_admin_shows_the_market_the_sessions_coverage_and_users() -> None:
    names = {model._meta.label for model in registered()}
    assert names >= {
        "accounts.User",
        "accounts.ApiKey",
        "accounts.SecurityEvent",
        "accounts.TradingAccount",
        "accounts.Order",
        "fo_analytics.Underlying",
        "fo_analytics.Instrument",
        "fo_analytics.TradingSession",
        "fo_analytics.BarCoverage",
        "fo_analytics.OfficialClose",
    }


def test_the_front_page_leads_to_the_login_page_which_opens(db: None) -> None:
    browser = Client()
    front = browser.get("/admin/")
    assert (front.status_code, front["Location"]) == (302, "/admin/login/?next=/admin/")
    assert browser.get(front["Location"]).status_code == 200


def test_staff_sign_in_with_their_password(db: None, redis_url: str) -> None:
    User.objects.create_superuser("boss", password=PASSWORD)
    browser = Client()
    body = {"username": "boss", "password": PASSWORD, "next": "/admin/"}
    assert browser.post("/admin/login/", body)["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


@pytest.mark.usefixtures("redis_url")
@pytest.mark.parametrize(("name", "password"), [("boss", "wrong"), ("owner", PASSWORD)])
def test_a_wrong_password_and_somebody_who_is_not_staff_stay_outside(owner: User, name: str, password: str) -> None:
    User.objects.create_superuser("boss", password=PASSWORD)
    browser = Client()
    answer = browser.post("/admin/login/", {"username": name, "password": password, "next": "/admin/"})
    assert (answer.status_code, "staff account" in answer.content.decode()) == (200, True)
    assert browser.get("/admin/").status_code == 302


@pytest.mark.usefixtures("filled")
@EVERYTHING
def test_the_list_of_every_model_opens_for_staff_and_shows_rows(staff: Client, model: type[Model]) -> None:
    page = staff.get(address(model, "changelist"))
    assert page.status_code == 200
    assert page.context["cl"].result_count > 0


@pytest.mark.usefixtures("filled")
@EVERYTHING
def test_a_row_of_every_model_opens_for_staff(staff: Client, model: type[Model]) -> None:
    row = model._default_manager.first()
    assert row is not None
    assert staff.get(address(model, "change", row.pk)).status_code == 200


@EVERYTHING
def test_a_new_row_of_every_model_opens_for_staff_where_rows_are_made_by_hand(
    staff: Client, model: type[Model]
) -> None:
    assert staff.get(address(model, "add")).status_code == (200 if may_add(model) else 403)


@pytest.mark.parametrize("model", [BarCoverage, OfficialClose])
def test_computed_rows_are_to_look_at_only(staff: Client, filled: None, model: type[Model]) -> None:
    row = model._default_manager.get()
    page = staff.get(address(model, "change", row.pk)).content.decode()
    assert 'name="_save"' not in page
    assert staff.post(address(model, "change", row.pk), {}).status_code == 403


@pytest.mark.usefixtures("filled")
@EVERYTHING
def test_nobody_else_sees_a_page_of_any_model(
    owner: User, browser_of: Callable[[User], Client], model: type[Model]
) -> None:
    row = model._default_manager.first()
    assert row is not None
    pages = [address(model, "changelist"), address(model, "add"), address(model, "change", row.pk)]
    for browser in (Client(), browser_of(owner)):
        answers = [browser.get(page) for page in pages]
        assert {answer.status_code for answer in answers} == {302}
        assert all(answer["Location"].startswith("/admin/login/") for answer in answers)


@pytest.mark.usefixtures("filled")
@EVERYTHING
def test_staff_without_a_permission_are_refused(
    teammate: User, browser_of: Callable[[User], Client], model: type[Model]
) -> None:
    teammate.is_staff = True
    teammate.save()
    browser = browser_of(teammate)
    assert browser.get(address(model, "changelist")).status_code == 403
    assert browser.get(address(model, "add")).status_code == 403


def test_staff_see_what_their_permission_names(
    teammate: User, browser_of: Callable[[User], Client], filled: None
) -> None:
    teammate.is_staff = True
    teammate.save()
    teammate.user_permissions.add(Permission.objects.get(codename="view_instrument"))
    browser = browser_of(teammate)
    statuses = {model: browser.get(address(model, "changelist")).status_code for model in (Instrument, Underlying)}
    assert statuses == {Instrument: 200, Underlying: 403}


def more_rows() -> None:
    """Make several more rows of all of our models."""
    list_contracts()
    for number in range(5):
        user = User.objects.create_user(f"user{number}")
        api_keys.create(user=user, name="x", scopes=SCOPES, expires_at=None)
        fill_account(demo_account(user, code=None))
        SecurityEvent.objects.create(kind=SecurityEvent.Kind.SIGNED_IN, user=user, username=user.username)
        other = Underlying.objects.create(symbol=f"STOCK{number}", exchange="NSE", is_index=False)
        at = {"date": MONDAY, "price": 1.0, "observed_at": TradingSession.objects.all()[0].expires_at}
        OfficialClose.objects.create(underlying=other, **at)
        counts = {"instruments": 1, "bars": 1, "minutes": 1, "expected_minutes": 375}
        stamps = {"first_bar": at["observed_at"], "last_bar": at["observed_at"]}
        BarCoverage.objects.create(underlying=other, date=MONDAY, **counts, **stamps)


@pytest.mark.usefixtures("filled")
@OURS
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(staff: Client, model: type[Model]) -> None:
    keep = ",".join(str(row.pk) for row in model._default_manager.all()[:1])
    few, few_queries = rows_and_queries(staff, model, {"pk__in": keep})
    more_rows()
    many, many_queries = rows_and_queries(staff, model, {})
    assert few == 1 < many
    assert many_queries <= few_queries


def rows_and_queries(staff: Client, model: type[Model], chosen: dict[str, str]) -> tuple[int, int]:
    """Return how many rows a list shows, and how many queries it took."""
    with CaptureQueriesContext(connection) as queries:
        page = staff.get(address(model, "changelist"), chosen)
    return len(page.context["cl"].result_list), len(queries)


@pytest.mark.usefixtures("filled")
def test_coverage_shows_what_is_stored(staff: Client) -> None:
    assert refresh_coverage(first=MONDAY, last=MONDAY) == 1
    page = staff.get(address(BarCoverage, "changelist")).content.decode()
    assert f'<td class="field-bars">{len(snapshot(FIRST)[1])}</td>' in page
    assert ist("2026-02-02 10:00:00") // 60_000 * 60_000 == FIRST - 30_000


@pytest.mark.usefixtures("filled")
def test_instruments_are_found_by_symbol_and_by_token(staff: Client) -> None:
    wanted = Instrument.objects.filter(kind="CE").first()
    assert wanted is not None
    for words in (wanted.tradingsymbol, str(wanted.token)):
        page = staff.get(address(Instrument, "changelist"), {"q": words})
        assert [row.pk for row in page.context["cl"].result_list] == [wanted.pk]
