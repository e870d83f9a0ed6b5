"""Connections that notice silence, as Django asks for them by `ENGINE = "config.database"`.

A network that swallows everything may still acknowledge what we send, so the kernel sees no fault; and the server's own
bound ends a statement whose end we never hear of. Whoever has waited a while therefore asks by a second connection
whether the server is still at it: a long statement goes on, a lost one ends as if the connection had been cut.
"""

import time
from typing import Any, Self, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg import IsolationLevel
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader

AT_WORK = """
    SELECT pg_catalog.pg_backend_pid(), (SELECT state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'
                                         FROM pg_catalog.pg_stat_activity WHERE pid = %s)"""

Result = TypeVar("Result")


class Connection(psycopg.Connection[Any]):
    """A connection that ends with an OperationalError when the server has lost its statement, or cannot be reached."""

    silence: float = settings.DATABASE_SILENCE  # seconds without a byte until we ask

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        """As the parent's; what was given up is let go at once.

        The parent's error, its traceback and the half-made connection hold each other: unless the traceback goes, the
        socket stays open until the interpreter looks for cycles.
        """
        try:
            return super().connect(*args, **kwargs)
        except psycopg.OperationalError as error:
            raise error.with_traceback(None) from None

    def wait(self, gen: PQGen[Result], *args: Any, **kwargs: Any) -> Result:
        """As the parent's, with an ear for silence."""
        return super().wait(self._heard(gen), *args, **kwargs)

    def _heard(self, gen: PQGen[Result]) -> PQGen[Result]:
        """The same conversation; who waits comes by here every tenth of a second, with nothing ready if so."""
        try:
            wanted, since = next(gen), time.monotonic()
            while True:
                ready = yield wanted
                if ready:
                    since = time.monotonic()
                elif time.monotonic() - since > self.silence:
                    self.ask()
                    since = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result

    def ask(self) -> None:
        """Raises OperationalError, closed, unless the server works for us, or owes us nothing."""
        if self.pgconn.transaction_status == TransactionStatus.ACTIVE and not self._at_work():
            self.give_up()

    def give_up(self) -> None:
        """Close, without a word to the server that would have to be answered. Raises OperationalError."""
        self.pgconn.finish()
        raise psycopg.OperationalError("The database fell silent in the middle of a statement.")

    def _at_work(self) -> bool:
        where = make_conninfo(self.info.dsn, password=self.info.password or None, connect_timeout=4)
        try:
            with Beside.connect(where, autocommit=True) as beside:
                row = beside.execute(AT_WORK, [self.info.backend_pid]).fetchone()
                pooled = row is not None and row[0] != beside.info.backend_pid  # numbers of a pooler mean nothing here
        except psycopg.Error:
            return False
        return row is not None and (pooled or bool(row[1]))


class Beside(Connection):
    """The second connection, which has to answer at once."""

    silence = Connection.silence / 2

    def ask(self) -> None:
        """Silence of this one says enough."""
        self.give_up()


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, by our connections; the isolation level is the one that all locks here are written for."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """A connection without a pool, whose moments the driver reads by itself, many times as fast as Django does.

        They come in the time zone of the connection, which is the one that Django would give them.
        """
        self.isolation_level = IsolationLevel.READ_COMMITTED
        made = Connection.connect(**conn_params)
        made.adapters.register_loader("timestamptz", TimestamptzLoader)
        return made

    def create_cursor(self, name: str | None = None) -> Any:
        """As the parent's, which would have moments read in another time zone where a connection's is not ours."""
        if name is None:
            return self.connection.cursor()
        named: Any = base.ServerSideCursor
        return named(self.connection, name=name, scrollable=False, withhold=self.connection.autocommit)
