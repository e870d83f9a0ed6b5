"""State: what the simulated network did, which faults are set, which callbacks it owes; one SQLite file."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS operations (
    key TEXT PRIMARY KEY, system TEXT, operation TEXT, task TEXT, mode TEXT, state TEXT, body TEXT, answer TEXT,
    effects INTEGER DEFAULT 0, at REAL
);
CREATE TABLE IF NOT EXISTS effects (
    id INTEGER PRIMARY KEY, key TEXT, task TEXT, mode TEXT, system TEXT, operation TEXT, at REAL
);
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY, fault TEXT, left INTEGER);
CREATE TABLE IF NOT EXISTS owed (id INTEGER PRIMARY KEY, due REAL, system TEXT, payload TEXT, tries INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, key TEXT, system TEXT, operation TEXT, status INTEGER, at REAL
);
"""


RECENT = 20  # effects that are listed one by one


@dataclass(frozen=True)
class Owed:
    """A callback to be sent."""

    id: int
    system: str
    payload: dict[str, Any]
    tries: int


class State:
    """One connection, one lock: the network does one thing at a time, quickly."""

    def __init__(self, file: str) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def answer_of(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """State and answer of a key; None for one that had no effect."""
        with self._lock:
            row = self._db.execute("SELECT state, answer FROM operations WHERE key = ?", [key]).fetchone()
        return (row[0], json.loads(row[1])) if row else None

    def perform(
        self, key: str, system: str, operation: str, body: dict[str, Any], state: str, answer: dict[str, Any]
    ) -> None:
        """Note an effect and its answer. Keys are performed once; the caller has looked."""
        with self.transaction() as db:
            values = [
                key,
                system,
                operation,
                body.get("task"),
                body.get("mode"),
                state,
                json.dumps(body),
                json.dumps(answer),
                time.time(),
            ]
            db.execute("INSERT INTO operations VALUES (?,?,?,?,?,?,?,?,1,?)", values)
            self._effect(db, key, body, system, operation)

    def _effect(self, db: sqlite3.Connection, key: str, body: dict[str, Any], system: str, operation: str) -> None:
        db.execute(
            "INSERT INTO effects (key, task, mode, system, operation, at) VALUES (?,?,?,?,?,?)",
            [key, body.get("task"), body.get("mode"), system, operation, time.time()],
        )

    def finish(self, key: str, state: str, answer: dict[str, Any]) -> None:
        """An accepted operation is done, or failed and forgotten, so that the same key may be tried again."""
        with self.transaction() as db:
            if state == "failed":
                db.execute("DELETE FROM operations WHERE key = ?", [key])
                db.execute("DELETE FROM effects WHERE key = ?", [key])
            else:
                db.execute(
                    "UPDATE operations SET state = ?, answer = ? WHERE key = ?", [state, json.dumps(answer), key]
                )

    def note_call(self, key: str, system: str, operation: str, status: int) -> None:
        """Every request, also those without effect."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO calls (key, system, operation, status, at) VALUES (?,?,?,?,?)",
                [key, system, operation, status, time.time()],
            )

    def owe(self, system: str, payload: dict[str, Any], after: float) -> None:
        """Send this callback after so many seconds."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO owed (due, system, payload) VALUES (?,?,?)",
                [time.time() + after, system, json.dumps(payload)],
            )

    def due(self, limit: int = 50) -> list[Owed]:
        """Callbacks whose time has come."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, system, payload, tries FROM owed WHERE due <= ? ORDER BY due, id LIMIT ?",
                [time.time(), limit],
            ).fetchall()
        return [Owed(row[0], row[1], json.loads(row[2]), row[3]) for row in rows]

    def sent(self, owed: Owed, *, again_in: float | None = None) -> None:
        """Delivered, or to be tried again."""
        with self.transaction() as db:
            if again_in is None:
                db.execute("DELETE FROM owed WHERE id = ?", [owed.id])
            else:
                db.execute("UPDATE owed SET due = ?, tries = tries + 1 WHERE id = ?", [time.time() + again_in, owed.id])

    def effects(self) -> dict[str, Any]:
        """Counts by key and by task, and whatever happened more than once."""
        with self._lock:
            by_key = dict(self._db.execute("SELECT key, count(*) FROM effects GROUP BY key").fetchall())
            by_task = self._db.execute("SELECT task || ' ' || mode, count(*) FROM effects GROUP BY 1").fetchall()
            calls = self._db.execute("SELECT count(*) FROM calls").fetchone()[0]
            owed = self._db.execute("SELECT count(*) FROM owed").fetchone()[0]
            recent = self._db.execute(
                "SELECT system, operation, task, mode, at FROM effects ORDER BY id DESC LIMIT ?", [RECENT]
            ).fetchall()
            counts = self._db.execute("SELECT system, count(*) FROM effects GROUP BY 1 ORDER BY 1").fetchall()
        twice = {name: count for name, count in [*by_key.items(), *by_task] if count > 1}
        return {
            "total": sum(by_key.values()), "calls": calls, "owed": owed, "duplicates": twice, "by_key": by_key,
            "by_system": dict(counts),
            "recent": [dict(zip(("system", "operation", "task", "mode", "at"), row, strict=True)) for row in recent],
        }  # fmt: skip

    def faults(self) -> list[dict[str, Any]]:
        """Faults that are set, with how often they will still happen."""
        with self._lock:
            rows = self._db.execute("SELECT fault, left FROM faults ORDER BY id").fetchall()
        return [json.loads(fault) | {"times": left} for fault, left in rows]

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        """Replace all faults."""
        with self.transaction() as db:
            db.execute("DELETE FROM faults")
            for fault in faults:
                db.execute(
                    "INSERT INTO faults (fault, left) VALUES (?, ?)", [json.dumps(fault), int(fault.get("times", 1))]
                )

    def take_fault(self, fits: Any) -> dict[str, Any] | None:
        """The first fault that fits and has times left; it is counted down. A negative number never ends."""
        with self.transaction() as db:
            for pk, fault in db.execute("SELECT id, fault FROM faults WHERE left <> 0 ORDER BY id").fetchall():
                found: dict[str, Any] = json.loads(fault)
                if fits(found):
                    db.execute("UPDATE faults SET left = left - 1 WHERE id = ? AND left > 0", [pk])
                    return found
            return None

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction() as db:
            for table in ("operations", "effects", "faults", "owed", "calls"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 – a fixed list
