"""Writing strategies: keyword arguments, safe to run twice."""
