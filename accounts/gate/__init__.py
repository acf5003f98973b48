"""The gate before HTTP and WebSocket alike: who is it, how often, and what is written down about it."""
