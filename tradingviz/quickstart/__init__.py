"""The embedded default behind `make run`: PostgreSQL and Redis out of wheels, and one process manager.

`python -m tradingviz.quickstart` is the entry point. Tests use `EmbeddedPostgres` and `EmbeddedRedis` too.
"""
