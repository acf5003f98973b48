"""Recorded markets put onto the tick stream, at any speed."""
