"""The pool of a process whose connections PostgreSQL has ended."""

import subprocess
import sys

from tests.rig.data import REPOSITORY

CODE = """
import django, time
django.setup()
import psycopg
from django.db import OperationalError, connection
from tradingviz.core.database import pool, renew_pool

def end_all():
    given, wanted = connection.get_connection_params(), ("host", "port", "dbname", "user", "password")
    parameters = {name: given[name] for name in wanted}
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'of-the-pool'")

def failures(times):
    failed = 0
    for _ in range(times):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
            failed += 1
        connection.close()
    return failed

connection.settings_dict["OPTIONS"]["application_name"] = "of-the-pool"
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
connection.close()
time.sleep(0.5)
end_all(); before = failures(3)
time.sleep(1)
end_all(); renew_pool(); time.sleep(1)
print(before, failures(3))
"""


def test_renewed_connections_fail_no_request_and_others_do(server_environment: dict[str, str]) -> None:
    environment = {**server_environment, "DB_POOL_SIZE": "2"}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    unaided, renewed = map(int, done.stdout.splitlines()[-1].split())  # after what the pool logs
    assert unaided >= 1
    assert renewed == 0
