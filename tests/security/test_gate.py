"""What the gate does to every request, whatever is behind it."""

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
from pytest_django.fixtures import Settings

from accounts.gate.rules import PREFLIGHTS_PER_MINUTE
from accounts.models import User
from tests.api.asking import PROBLEM
from tests.rig.asgi import asking
from tests.rig.cast import access_token

OPEN, CLOSED = "/health/live", "/fo/expiries?underlying=NIFTY"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(transactional_db: None) -> User:
    """Somebody whom the request's own connection sees."""
    return User.objects.create_user("member", password="correct horse battery staple")


async def test_every_answer_has_a_request_id_and_a_sane_one_of_the_caller_is_kept() -> None:
    async with asking() as client:
        own = (await client.get(OPEN)).headers["x-request-id"]
        kept = (await client.get(OPEN, headers={"X-Request-ID": "order-17"})).headers["x-request-id"]
        junk = (await client.get(OPEN, headers={"X-Request-ID": "a b\tc" * 30})).headers["x-request-id"]
    assert len(own) == len(junk) == 32
    assert kept == "order-17"


async def test_an_answer_says_how_many_requests_are_left(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 7
    async with asking() as client:
        first, second = [(await client.get(CLOSED)).headers for _ in range(2)]
    assert first["ratelimit-limit"] == "7"
    assert int(first["ratelimit-remaining"]) - int(second["ratelimit-remaining"]) in (1, -5)  # or the minute ended
    assert 1 <= int(first["ratelimit-reset"]) <= 60


async def test_one_too_many_is_a_problem_that_says_when_to_come_again(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    async with asking() as client:
        answers = [await client.get(CLOSED) for _ in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 2
    assert refused[0].headers["content-type"] == PROBLEM
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert refused[0].json()["status"] == 429


async def test_a_user_is_counted_wherever_he_comes_from_and_others_are_not_hindered(
    member: User, settings: Settings
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    statuses = []
    for address in range(6):
        async with asking(address=f"192.0.2.{address}", token=access_token(member)) as client:
            statuses.append((await client.get(CLOSED)).status_code)
    assert 429 in statuses
    async with asking(address="192.0.2.1") as client:
        assert (await client.get(CLOSED)).status_code == 401


async def test_a_higher_tier_may_ask_more_often(member: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    member.tier = "internal"
    await member.asave()
    async with asking(token=access_token(member)) as client:
        answers = [await client.get(CLOSED) for _ in range(6)]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"100"}
    assert {answer.status_code for answer in answers} == {400}


async def test_a_path_with_a_limit_of_its_own_has_a_count_of_its_own(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    settings.RATE_LIMIT_ROUTES = {"/fo/expiries": 1_000}
    async with asking() as client:
        assert {(await client.get(CLOSED)).status_code for _ in range(5)} == {401}
        assert 429 in [(await client.get("/fo/indicators")).status_code for _ in range(4)]


async def test_guessed_tokens_count_for_the_address_that_guesses(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    statuses = []
    for guess in range(6):
        async with asking(token=f"guess-{guess}") as client:
            statuses.append((await client.get(CLOSED)).status_code)
    assert set(statuses) == {401, 429}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP"])
async def test_an_address_written_by_the_client_is_not_believed(header: str, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    async with asking() as client:
        statuses = [
            (await client.get(CLOSED, headers={header: f"198.51.100.{number}"})).status_code for number in range(6)
        ]
    assert 429 in statuses


async def test_every_line_of_a_header_counts_where_proxies_write_one_each(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    settings.RATE_LIMIT_PER_MINUTE = 2
    async with asking(address="10.0.0.1") as client:
        statuses = [
            (await client.get(CLOSED, headers=[*_forwarded(f"203.0.113.{n}", "198.51.100.7", "10.0.0.2")])).status_code
            for n in range(6)
        ]
        assert 429 in statuses
        other = await client.get(CLOSED, headers=[*_forwarded("198.51.100.7", "198.51.100.8", "10.0.0.2")])
    assert other.status_code == 401


def _forwarded(*lines: str) -> list[tuple[str, str]]:
    return [("X-Forwarded-For", line) for line in lines]


async def test_a_path_below_another_root_is_counted_as_what_it_is(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    settings.RATE_LIMIT_ROUTES = {"/static/*": 1_000}
    async with asking(root_path="/static") as client:
        statuses = [(await client.get(f"/static{CLOSED}")).status_code for _ in range(6)]
    assert set(statuses) == {404}, "what is counted as a file must not be answered by another view"


@pytest.mark.parametrize("path", ["/auth/token", CLOSED])
async def test_who_means_another_host_is_told_so_and_counted(
    settings: Settings, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    async with asking() as client:
        answers = [await client.post(path, headers={"Host": "elsewhere.example"}, json={}) for _ in range(6)]
    assert {answer.status_code for answer in answers} == {400, 429}
    assert {answer.headers["content-type"] for answer in answers} == {PROBLEM}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("host", ["localhost", "localhost:8081", "LOCALHOST", "127.0.0.1:80", "[::1]:8081"])
async def test_a_name_of_ours_is_let_in_with_any_port(host: str) -> None:
    async with asking() as client:
        assert (await client.get(OPEN, headers={"Host": host})).status_code == 200


async def test_a_body_larger_than_allowed_is_refused_by_its_declared_length() -> None:
    async with asking() as client:
        answer = await client.post("/auth/token", content=b"x" * ((1 << 20) + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


async def test_a_body_that_grows_beyond_what_is_allowed_is_refused_while_it_grows() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1 << 26:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    async with asking() as client:
        answer = await client.post("/auth/token", content=endless())
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert sent < 1 << 22


async def test_a_page_that_is_allowed_may_read_answers_and_refusals(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://charts.example"]
    settings.RATE_LIMIT_PER_MINUTE = 1
    async with asking() as client:
        answers = [await client.get(CLOSED, headers={"Origin": "https://charts.example"}) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"https://charts.example"}
    assert "RateLimit-Remaining" in answers[0].headers["access-control-expose-headers"]
    assert "Origin" in answers[0].headers["vary"]


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "https://charts.example.elsewhere.example"])
async def test_another_page_may_read_nothing(origin: str, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://charts.example"]
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    async with asking() as client:
        for answer in (await client.get(OPEN, headers=asked), await client.options(OPEN, headers=asked)):
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_browsers_question_before_a_request_is_answered_without_credentials(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://charts.example"]
    asked = {"Origin": "https://charts.example", "Access-Control-Request-Method": "GET"}
    async with asking() as client:
        answer = await client.options(CLOSED, headers=asked)
    assert answer.status_code == 204
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_browsers_questions_are_counted_by_address_and_apart_from_requests(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://charts.example"]
    settings.RATE_LIMIT_PER_MINUTE = 1
    asked = {"Origin": "https://charts.example", "Access-Control-Request-Method": "GET"}
    async with asking() as client:
        answers = [await client.options(CLOSED, headers=asked) for _ in range(2 * PREFLIGHTS_PER_MINUTE + 1)]
        assert {answer.status_code for answer in answers[:PREFLIGHTS_PER_MINUTE]} == {204}
        assert 429 in {answer.status_code for answer in answers}
        assert (await client.get(CLOSED)).status_code == 401


async def test_json_nested_deeper_than_can_be_followed_is_the_caller_s_error() -> None:
    async with asking() as client:
        deep = await client.post("/auth/token", content=b"[" * 200_000, headers={"Content-Type": "application/json"})
    assert (deep.status_code, deep.headers["content-type"]) == (400, PROBLEM)
    assert "nested" in deep.json()["detail"]


async def test_an_answer_says_how_long_credentials_and_limit_took(member: User) -> None:
    async with asking(token=access_token(member)) as client:
        timing = (await client.get(CLOSED)).headers.get_list("server-timing")
    assert any("auth;dur=" in part and "limit;dur=" in part for part in timing)


async def test_without_redis_requests_are_counted_by_the_process(without_redis: None, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    async with asking() as client:
        statuses = [(await client.get(CLOSED)).status_code for _ in range(6)]
    assert set(statuses) == {401, 429}


async def test_where_the_database_does_not_answer_a_good_token_is_not_refused_but_put_off(
    redis_url: str, without_database: None
) -> None:
    stranger = User(pk=987_654, username="x", password="y")
    async with asking(token=access_token(stranger)) as client:
        answer = await client.get(CLOSED)
        assert (await client.get(OPEN)).status_code == 200
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
