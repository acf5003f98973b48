"""Transport: ticks come in over Redis Streams, documents leave over WebSockets. Knows no finance."""
