"""Strategies over HTTP."""
