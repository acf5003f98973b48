"""Reading strategies: keyword arguments, nothing is changed."""
