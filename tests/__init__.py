"""The suite. `make test` runs it whole (tests/run.py); bare `pytest` runs it on the embedded servers."""
