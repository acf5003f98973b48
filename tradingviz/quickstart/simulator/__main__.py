"""`python -m tradingviz.quickstart.simulator`: its settings come from the environment, as everywhere."""

import logging
import sys
import threading

import redis
import uvicorn
from django.core.exceptions import ImproperlyConfigured

from tradingviz.core.clock import now_ms
from tradingviz.core.logging import JsonFormatter
from tradingviz.quickstart.preflight import LOOPBACK
from tradingviz.quickstart.simulator.app import Application
from tradingviz.quickstart.simulator.feed import Feed
from tradingviz.quickstart.simulator.market import Market
from tradingviz.settings import env

_SOCKET_SECONDS = 5.0


def main() -> int:
    """Serve until stopped; returns the exit code."""
    _log_as_json()
    try:
        port = env.integer("SIMULATOR_PORT", 8080, low=1, high=65535)
        feed = _feed()
        application = Application(feed, faults=env.boolean("SIMULATOR_FAULTS", False))
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 1
    thread = threading.Thread(target=feed.run, name="feed", daemon=True)
    thread.start()
    try:
        uvicorn.run(application, host=LOOPBACK, port=port, log_config=None, access_log=False, lifespan="off")
    finally:
        feed.stop()
        thread.join(timeout=_SOCKET_SECONDS)
    return 0


def _feed() -> Feed:
    url = env.url("REDIS_URL", "redis://localhost:6379", ("redis", "rediss", "unix"))
    client = redis.Redis.from_url(url, socket_timeout=_SOCKET_SECONDS, socket_connect_timeout=_SOCKET_SECONDS)
    market = Market(env.integer("SIMULATOR_SEED", 1))
    return Feed(market, client, clock=now_ms, shards=env.integer("TICK_SHARDS", 1, low=1, high=1024))


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(
        level=env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")), handlers=[handler]
    )


if __name__ == "__main__":
    sys.exit(main())
