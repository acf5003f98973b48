"""The Django project: `core` is the ground floor, everything else here wires the apps together."""

__version__ = "1.0.0"
