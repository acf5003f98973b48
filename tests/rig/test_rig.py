"""The rig itself: what it counts, marks and points at."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import read_access_token
from tests.rig.cast import access_token
from tests.rig.servers import parse_database_url, repointed
from tests.rig.timescaledb import Unavailable, root_folder
from tests.run import judge, read_counts

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_run_that_broke_off_without_counts_is_one_failure(tmp_path: Path) -> None:
    assert judge(2, read_counts(tmp_path / "absent")) == Counter(failed=1)


def test_a_run_that_selected_nothing_is_no_failure() -> None:
    assert judge(5, Counter()) == Counter()


def test_counted_failures_are_not_counted_twice() -> None:
    assert judge(1, Counter(passed=3, failed=2)) == Counter(passed=3, failed=2)


def test_a_database_url_is_taken_apart_and_unquoted() -> None:
    assert parse_database_url("postgres://me:p%40ss@db.local:6000/prices") == {
        "HOST": "db.local",
        "PORT": 6000,
        "USER": "me",
        "PASSWORD": "p@ss",
        "NAME": "prices",
    }


def test_something_else_than_a_postgres_url_is_refused_by_the_variables_name() -> None:
    with pytest.raises(ValueError, match="TIMESCALEDB_URL"):
        parse_database_url("mysql://somewhere/else")


def test_a_folder_without_timescaledb_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMESCALEDB_ROOT", str(tmp_path))
    with pytest.raises(Unavailable, match=str(tmp_path)):
        root_folder()


def test_a_test_that_uses_redis_is_marked_so(redis_url: str, request: pytest.FixtureRequest) -> None:
    assert own_marks(request) == {"redis"}


def test_a_test_that_uses_the_database_is_marked_so(owner: User, request: pytest.FixtureRequest) -> None:
    assert own_marks(request) == {"database"}


def test_a_test_that_needs_no_server_has_neither_mark(request: pytest.FixtureRequest) -> None:
    assert own_marks(request) == set()


def own_marks(request: pytest.FixtureRequest) -> set[str]:
    """Return the names of a test's marks that stand for servers."""
    return {mark.name for mark in request.node.iter_markers()} & {"database", "redis"}


def test_every_setting_made_from_the_redis_address_follows_it(redis_url: str) -> None:
    assert redis_url == settings.REDIS_URL
    assert repointed("redis://127.0.0.1:1", "anything") == {}
    assert set(repointed(redis_url, "other")) >= {
        "REDIS_URL",
        "CACHES",
        "CHANNEL_LAYERS",
        "CELERY_BROKER_URL",
    }


@pytest.mark.parametrize("attempt", ["first", "second"])
def test_redis_is_empty_for_every_test(redis_url: str, attempt: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        cache.set(attempt, "seen")
        assert client.dbsize() == 1


@pytest.mark.django_db
def test_the_test_database_is_a_postgresql_of_this_run() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_setting('server_version_num')")
        name, version = cursor.fetchone()
    assert name.startswith("test_")
    assert int(version) >= 170000


@pytest.mark.timescaledb
def test_on_timescaledb_the_extension_is_there(has_timescaledb: bool) -> None:
    assert has_timescaledb


def test_the_cast_are_three_people_with_tokens_of_their_own(
    owner: User, teammate: User, stranger: User, api_client_for: Callable[[User], APIClient]
) -> None:
    people = [owner, teammate, stranger]
    assert [read_access_token(access_token(person), now=0.0).user_id for person in people] == [
        person.pk for person in people
    ]
    assert api_client_for(owner).get("/fo/nothing-here").status_code == 404


def test_a_child_process_sees_the_tests_database_and_redis(server_environment: dict[str, str]) -> None:
    User.objects.create_user("seen")
    cache.set("word", "heard")
    script = (
        "import django; django.setup()\n"
        "from django.core.cache import cache\n"
        "from accounts.models import User\n"
        "print(User.objects.get().username, cache.get('word'))"
    )
    command = [sys.executable, "-c", script]
    child = subprocess.run(command, cwd=REPOSITORY, env=server_environment, capture_output=True, text=True, check=False)
    assert (child.stdout.strip(), child.stderr) == ("seen heard", "")
