"""What the market says and what it means: instruments, sessions, bars, implied volatility, Greeks, chain analytics."""
