#!/usr/bin/env python
"""Django's command line; the settings module follows from ENVIRONMENT."""

import sys

from tradingviz.settings.env import choose_settings


def main() -> None:
    """Run one management command."""
    choose_settings()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
