"""Tables of our own in 50-digit arithmetic, and the scripts that made them."""
