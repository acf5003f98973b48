"""Servers of their own for a benchmark: fresh, durable as in production, gone afterwards."""

import os
import platform
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django

from tradingviz.quickstart.throwaway import throwaway_installation, throwaway_postgres, throwaway_redis

ROOT = Path(__file__).resolve().parents[1]
DATABASE = "bench"


@contextmanager
def servers() -> Iterator[None]:
    """Start PostgreSQL (or use the one that TIMESCALEDB_URL names) and Redis, and set Django up with them.

    Call it from the main thread, once in a process.
    """
    with throwaway_installation() as programs:
        redis = replace(throwaway_redis(programs), memory="4gb")
        postgres = None if os.environ.get("TIMESCALEDB_URL") else replace(throwaway_postgres(programs), durable=True)
        try:
            redis.start()
            if postgres is not None:
                postgres.start()
                postgres.create_database(DATABASE)
            _set_up_django(redis.url(), _embedded(postgres) if postgres else _named(os.environ["TIMESCALEDB_URL"]))
            yield
        finally:
            redis.stop()
            if postgres is not None:
                postgres.stop()


def _embedded(server: Any) -> dict[str, str]:
    return {
        "HOST": str(server.socket_dir), "PORT": str(server.port), "NAME": DATABASE,
        "USER": server.user, "PASSWORD": server.password,
    }  # fmt: skip


def _named(url: str) -> dict[str, str]:
    """Make the benchmark's database in a running server."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(DATABASE)))
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
    parts = urlsplit(url)
    return {
        "HOST": parts.hostname or "", "PORT": str(parts.port or 5432), "NAME": DATABASE,
        "USER": parts.username or "", "PASSWORD": parts.password or "",
    }  # fmt: skip


def _set_up_django(redis_url: str, database: dict[str, str]) -> None:
    os.environ |= {f"DB_{name}": value for name, value in database.items()}
    os.environ |= {
        "REDIS_URL": redis_url,
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "tradingviz.settings.dev",
        "JWT_SECRET_KEY": secrets.token_urlsafe(48),
        "LOG_LEVEL": "WARNING",
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def machine() -> str:
    """Return what the figures were measured on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, {model.partition(': ')[2] or platform.processor()}; load {load}"


def versions(*packages: str) -> str:
    """Return the versions of Python, of packages, and of both servers."""
    from django.db import connection

    from tradingviz.core.redis import sync_client

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
        timescale = cursor.fetchone()
    found = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]
    found += [f"PostgreSQL {postgres.split()[0]}", f"Redis {sync_client().info()['redis_version']}"]
    return ", ".join(found + ([f"TimescaleDB {timescale[0]}"] if timescale else []))


def manage(*arguments: str) -> "subprocess.Popen[bytes]":
    """Start `manage.py` as a process of its own, with this process's servers."""
    return subprocess.Popen([sys.executable, "manage.py", *arguments], cwd=ROOT)
