"""Pure market maths: no Django, no I/O, no clock. Every function says its shapes and units."""
