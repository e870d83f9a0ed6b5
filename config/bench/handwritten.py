"""The opponent: the same steps by hand-written SQL, one transaction a step, in two processes, on the same server."""

import subprocess
import sys
import time
from typing import Any

import psycopg

SECONDS = 1.5  # for the commit rate
_TABLES = """
DROP TABLE IF EXISTS bench_edge, bench_step, bench_commit;
CREATE TABLE bench_step (id bigint PRIMARY KEY, state text NOT NULL, waits int NOT NULL, done_at timestamptz);
CREATE TABLE bench_edge (before bigint NOT NULL, after bigint NOT NULL, PRIMARY KEY (before, after));
CREATE TABLE bench_commit (at timestamptz NOT NULL);
CREATE INDEX ON bench_step (id) WHERE state = 'ready';
"""
_STEPS = """
INSERT INTO bench_step
SELECT f * 10 + s, CASE s WHEN 0 THEN 'ready' ELSE 'waits' END, CASE s WHEN 0 THEN 0 WHEN 9 THEN 8 ELSE 1 END
FROM generate_series(1, %(flows)s) f, generate_series(0, 9) s;
"""
_EDGES = """
INSERT INTO bench_edge SELECT f * 10, f * 10 + s FROM generate_series(1, %(flows)s) f, generate_series(1, 8) s
UNION ALL SELECT f * 10 + s, f * 10 + 9 FROM generate_series(1, %(flows)s) f, generate_series(1, 8) s
"""
_CLAIM = "SELECT id FROM bench_step WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
_DONE = "UPDATE bench_step SET state = 'done', done_at = clock_timestamp() WHERE id = %s"
_RELEASE = """
UPDATE bench_step s SET waits = s.waits - 1, state = CASE s.waits WHEN 1 THEN 'ready' ELSE s.state END
FROM bench_edge e WHERE e.before = %s AND s.id = e.after
"""
_LEFT = "SELECT count(*) FROM bench_step WHERE state <> 'done'"


def rate(database: str, flows: int) -> float:
    """Steps a second of two processes over so many ten-step diamonds."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_TABLES)
        connection.execute(_STEPS, {"flows": flows})
        connection.execute(_EDGES, {"flows": flows})
        connection.execute("ANALYZE bench_step, bench_edge")
    seconds = max(float(text) for text in _two("steps", database))
    return flows * 10 / seconds


def commits(database: str) -> float:
    """One-row commits a second of two processes: what the disk and the server allow."""
    return sum(float(text) for text in _two("commits", database))


def _two(what: str, database: str) -> list[str]:
    command = [sys.executable, "-m", "config.bench.handwritten", what, database]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return [process.communicate(timeout=120)[0].strip() for process in both]


def _steps(connection: psycopg.Connection[Any]) -> float:
    start = time.monotonic()
    while True:
        with connection.transaction():
            row = connection.execute(_CLAIM).fetchone()
            if row is not None:
                connection.execute(_DONE, row)
                connection.execute(_RELEASE, row)
        if row is None and connection.execute(_LEFT).fetchone() == (0,):
            return time.monotonic() - start


def _commits(connection: psycopg.Connection[Any]) -> float:
    number, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        connection.execute("INSERT INTO bench_commit VALUES (clock_timestamp())")
        number += 1
    return number / SECONDS


if __name__ == "__main__":
    with psycopg.connect(sys.argv[2], autocommit=True) as opened:
        print({"steps": _steps, "commits": _commits}[sys.argv[1]](opened))
