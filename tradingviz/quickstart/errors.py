"""The one error of this package: somebody at the keyboard must act, and one line says what to do."""


class QuickstartError(Exception):
    """The message is a single line for the terminal; the process then exits with 1."""
