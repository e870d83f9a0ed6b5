#!/usr/bin/env python3
"""Operators' entry point: every command finds or starts the servers that it needs."""

import os
import signal
import sys

PLAIN = {"help", "--help", "-h", "version", "--version"}


def main() -> None:
    """Run a management command against the configured, else the embedded, servers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are let go of
    if len(sys.argv) > 1 and not PLAIN.intersection(sys.argv[1:]):
        from config import servers

        if sys.argv[1] == "run":
            from config import supervisor

            supervisor.port()  # a taken port is said before anything starts
        servers.ensure()
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
