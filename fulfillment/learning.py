"""Learning: how long the items of plans take in truth, from the tasks that were completed; one statement for all."""

import datetime as dt

from django.db import connection
from django.utils import timezone

from fulfillment.models import LearnedDuration, PlanItem
from kernel import workdays
from kernel.models import BusinessCalendar

ENOUGH = 5  # completed tasks before what was learned counts instead of the definition's value
DAYS_ENOUGH = 3  # on which they ended: what was done in one go, in bulk or for a demonstration, is one experience
LAST = 200  # of each item, the newest completed tasks
DAYS = 400  # older ones are forgotten

_LEARN = """
WITH day AS (SELECT * FROM unnest(%(names)s::text[], %(days)s::date[], %(places)s::int[], %(works)s::bool[])
             AS d(calendar, day, place, works)),
hours AS (SELECT * FROM unnest(%(calendars)s::text[], %(opens)s::time[], %(closes)s::time[], %(zones)s::text[])
          AS h(calendar, opens, closes, zone)),
done AS (
    SELECT f.specification_key, f.action, t.key, i.calendar, t.started_at, t.ended_at,
           row_number() OVER (PARTITION BY f.specification_key, f.action, t.key ORDER BY t.ended_at DESC) AS age
    FROM fulfillment_task t JOIN fulfillment_flow f ON f.id = t.flow_id JOIN fulfillment_planitem i ON i.id = t.item_id
    WHERE t.state = 'completed' AND t.mode = 'do' AND t.started_at >= %(since)s AND t.ended_at >= t.started_at
), local AS (
    SELECT d.*, h.opens, h.closes, d.started_at AT TIME ZONE h.zone AS began, d.ended_at AT TIME ZONE h.zone AS ended
    FROM done d JOIN hours h USING (calendar) WHERE d.age <= %(last)s
), timed AS (
    SELECT l.specification_key, l.action, l.key, greatest(0,
        (b.place + CASE WHEN b.works THEN {ended} ELSE 0 END) - (a.place + CASE WHEN a.works THEN {began} ELSE 0 END)
    ) AS days, l.ended::date AS on_day
    FROM local l JOIN day a ON a.calendar = l.calendar AND a.day = l.began::date
    JOIN day b ON b.calendar = l.calendar AND b.day = l.ended::date
)
INSERT INTO fulfillment_learnedduration (specification_key, action, item_key, samples, days, p50, p90, learned_at)
SELECT specification_key, action, key, count(*), count(DISTINCT on_day),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY days), percentile_cont(0.9) WITHIN GROUP (ORDER BY days), now()
FROM timed GROUP BY 1, 2, 3
ON CONFLICT (specification_key, action, item_key) DO UPDATE
SET samples = excluded.samples, days = excluded.days, p50 = excluded.p50, p90 = excluded.p90,
    learned_at = excluded.learned_at
"""
_PART = """least(1, greatest(0, extract(epoch FROM l.{0}::time - l.opens)
    / greatest(1, extract(epoch FROM l.closes - l.opens))))"""


def learn(today: dt.date | None = None) -> int:
    """Bring the learned durations up to date; beat runs it once an hour. Returns how many items have one now.

    A day counts by how much of its opening hours passed: from 10:00 to 15:00 of an eight to five day is 5/9 of a day.
    """
    today = today or timezone.localdate()
    first = today - dt.timedelta(days=DAYS)
    asked = sorted({"", *PlanItem.objects.values_list("calendar", flat=True).distinct()})
    rows = {row.name: row for row in BusinessCalendar.objects.all()}
    usual = next((row for row in rows.values() if row.is_default), BusinessCalendar())
    names, days, places, works = [], [], [], []
    for name in asked:
        calendar, place = workdays.calendar(name), 0
        for n in range(DAYS + 2):
            day = first + dt.timedelta(days=n)
            names.append(name)
            days.append(day)
            places.append(place)
            works.append(calendar.works(day))
            place += calendar.works(day)
    hours = [rows.get(name, usual) for name in asked]
    with connection.cursor() as cursor:
        cursor.execute(_LEARN.format(began=_PART.format("began"), ended=_PART.format("ended")), {
            "names": names, "days": days, "places": places, "works": works, "calendars": asked,
            "opens": [row.opens for row in hours], "closes": [row.closes for row in hours],
            "zones": [row.time_zone for row in hours], "last": LAST,
            "since": timezone.make_aware(dt.datetime.combine(first + dt.timedelta(days=1), dt.time())),
        })  # fmt: skip
        return int(cursor.rowcount)


def missing(row: LearnedDuration) -> tuple[int, int]:
    """How many tasks and days more it takes until a learned duration counts."""
    return max(ENOUGH - row.samples, 0), max(DAYS_ENOUGH - row.days, 0)


def known() -> dict[tuple[str, str, str], tuple[float, float]]:
    """(specification, action, item) → P50 and P90 in working days, where enough was learned. One query."""
    rows = LearnedDuration.objects.filter(samples__gte=ENOUGH, days__gte=DAYS_ENOUGH)
    columns = ("specification_key", "action", "item_key", "p50", "p90")
    return {
        (spec, action, item): (float(p50), float(p90)) for spec, action, item, p50, p90 in rows.values_list(*columns)
    }


__all__ = ["ENOUGH", "known", "learn", "missing"]
