"""The doctor: looks at servers, settings, clocks, workers and stuck work, and says of each trouble what to do."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from fallout import watchdog
from fulfillment import standing
from kernel.models import OutboxEvent
from orders.models import Order

PATIENCE = 2.0  # seconds for a server or a worker to answer
SKEW = dt.timedelta(seconds=2)
LATE = dt.timedelta(seconds=30)  # an event that waits longer than this is not on its way
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `todo` says what to do about it, empty when all is well."""

    area: str
    text: str
    todo: str = ""

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return not self.todo

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**asdict(self), "ok": self.ok}


def examine() -> list[Finding]:
    """Every finding; what needs the database is left out when that does not answer."""
    found = [_broker()]
    database = _database()
    found.insert(0, database)
    if not database.ok:
        return found
    for look in (_settings, _clock, _migrations, _workers, _engine, _orders, _outbox):
        found += look()
    return found


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0]
    except Error as error:
        said = str(error).strip().splitlines()[0]
        return Finding("database", f"PostgreSQL does not answer: {said}", "Start it, or correct DATABASE_URL.")
    if int(version.split(".")[0]) < 15:
        return Finding("database", f"PostgreSQL is {version}.", "Use PostgreSQL 15 or later.")
    return Finding("database", f"PostgreSQL {version} answers.")


def _broker() -> Finding:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            client.ping()
    except redis.RedisError as error:
        return Finding(
            "broker", f"The broker does not answer: {error}",
            "Start Valkey or Redis, or correct REDIS_URL. Nothing is lost meanwhile: the database holds the work.",
        )  # fmt: skip
    return Finding("broker", "The broker answers.")


def _settings() -> Iterator[Finding]:
    for name, wanted in DURABLE.items():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting(%s)", [name])
            value = cursor.fetchone()[0]
        if value == wanted:
            yield Finding("settings", f"{name} is {value}.")
        else:
            yield Finding(
                "settings", f"{name} is {value}: a crash of the server can lose work that was reported as done.",
                f"Set {name} = {wanted} in postgresql.conf and reload.",
            )  # fmt: skip


def _clock() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        before = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        theirs: dt.datetime = cursor.fetchone()[0]
        after = timezone.now()
    skew = abs(theirs - (before + (after - before) / 2))
    text = f"Our clock and the database's differ by {skew.total_seconds():.2f} s."
    yield Finding("clock", text, "" if skew < SKEW else "Run a time service (NTP) on both: leases and timers need it.")


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{migration.app_label} {migration.name}" for migration, _ in missing[:5])
        yield Finding("migrations", f"{len(missing)} not applied: {names}.", "Run `manage.py migrate`.")
    else:
        yield Finding("migrations", "All are applied.")


def _workers() -> Iterator[Finding]:
    try:
        answers = current_app.control.ping(timeout=PATIENCE)
    except Exception as error:  # whatever the broker does instead of answering
        answers, said = [], f"No worker can be asked: {error}"
    else:
        said = "No worker answers."
    if answers:
        yield Finding("workers", f"{len(answers)} answer{'s' * (len(answers) == 1)}.")
    else:
        yield Finding("workers", said, "Start one: `celery -A config worker`, and `celery -A config beat` beside it.")


def _engine() -> Iterator[Finding]:
    now = standing.now()
    if now.pause:
        yield Finding("engine", f"It is paused: {now.pause.reason}", "Run `manage.py engine resume` when that is over.")
    for row in now.breakers:
        yield Finding("engine", f"The {row.system} system does not answer: {row.cause}.", "See to that system.")
    if now.leases_expired:
        yield Finding(
            "engine", f"{now.leases_expired} calls lost their worker and were not taken up again.",
            "Run `manage.py engine sweep`; if they stay, no worker takes the queue “engine”.",
        )  # fmt: skip
    waits = timezone.now() - now.oldest_ready if now.oldest_ready else dt.timedelta()
    if waits > LATE and not now.pause:
        yield Finding(
            "engine", f"{now.ready_for_machine} steps are ready, the oldest for {_long(waits)}.",
            "Run `manage.py engine sweep`; if they stay, look at capacities and at the workers.",
        )  # fmt: skip
    elif not (now.pause or now.breakers or now.leases_expired):
        yield Finding("engine", f"{now.ready_for_machine} steps are ready, nothing is stuck.")


def _long(time: dt.timedelta) -> str:
    seconds = round(time.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes, hours = seconds // 60, seconds // 3600
    return f"{minutes} min" if minutes < 120 else f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _orders() -> Iterator[Finding]:
    stuck = watchdog.standing(timezone.now())
    if not stuck:
        yield Finding("orders", "Every running order has something running, a timer or an owner.")
        return
    numbers = dict(Order.objects.filter(pk__in=[one.order_id for one in stuck[:5]]).values_list("pk", "number"))
    named = ", ".join(numbers[one.order_id] for one in stuck[:5]) + (", …" if len(stuck) > len(numbers) else "")
    yield Finding(
        "orders", f"{len(stuck)} stand{'s' * (len(stuck) == 1)} still ({named}): {stuck[0].cause}",
        "Open the fallout desk: each has a record there, or gets one within a minute while beat runs.",
    )  # fmt: skip


def _outbox() -> Iterator[Finding]:
    late = OutboxEvent.objects.filter(done_at__isnull=True, created_at__lt=timezone.now() - LATE)
    count = late.count()
    if not count:
        yield Finding("outbox", "Every fact was told within half a minute.")
        return
    broken = late.exclude(error="").order_by("pk").first()
    said = f" The first says: {broken.error.splitlines()[0]}" if broken else ""
    yield Finding(
        "outbox", f"{count} facts wait for longer than {LATE.total_seconds():.0f} s.{said}",
        "Look at them under Administration, Outbox events, and deliver them again once the cause is gone.",
    )  # fmt: skip
