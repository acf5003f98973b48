"""Commands of fo_analytics."""
