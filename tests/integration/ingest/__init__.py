"""Ingest against a real PostgreSQL (or TimescaleDB) and a real Redis."""
