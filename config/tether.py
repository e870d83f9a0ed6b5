"""Run a command that ends when its parent does: `python config/tether.py PARENT COMMAND …`. Linux; elsewhere untied.

A separate small program rather than a hook between fork and exec, which may deadlock a parent that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGTERM at the parent's death, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)  # it died before we asked
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
