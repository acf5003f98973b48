"""The same rows whatever happens: recorded days under kills, outages, late, repeated and shuffled ticks."""
