#!/usr/bin/env python3
"""Operators' entry point: every command finds or starts the servers that it needs."""

import os
import sys


def main() -> None:
    """Run a management command against the configured, else the embedded, servers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import servers

    servers.ensure()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
