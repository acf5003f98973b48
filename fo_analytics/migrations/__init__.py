"""Migrations of fo_analytics."""
