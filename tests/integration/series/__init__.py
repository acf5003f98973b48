"""Series over time and the newest state, against a plain recomputation from the stored rows."""
