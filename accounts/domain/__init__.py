"""What orders, positions and their worth are. Pure: no Django, no I/O, no clock."""
