"""Strategies against a real database."""
