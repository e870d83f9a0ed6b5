"""Time of the processor that work takes here and in the database, whatever else the machine does meanwhile."""

import os
import time

from django.db import connection

TICK = os.sysconf("SC_CLK_TCK")


def spent() -> float:
    """Seconds that this process and the one that serves its connection took so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with open(f"/proc/{pid}/stat") as file:
        parts = file.read().rsplit(")", 1)[1].split()
    return time.process_time() + (int(parts[11]) + int(parts[12])) / TICK
