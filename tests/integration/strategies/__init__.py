"""Strategies from ticks to candles."""
