"""Recorded and generated markets put onto the tick stream, at any speed."""
