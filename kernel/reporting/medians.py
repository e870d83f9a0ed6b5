"""Medians: percentiles of a column, and time between two moments as a number, for the aggregates of reports."""

from typing import Any

from django.db.models import Aggregate, DateTimeField, F, FloatField, Func
from django.db.models.expressions import BaseExpression, Combinable
from django.db.models.functions import Cast

DAY = 86_400


class Percentile(Aggregate):
    """The value below which a fraction of a column lies: 0.5 for the median, 0.9 for nine of ten."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, expression: Any, *, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=float(fraction), **extra)


class _Seconds(Func):
    """Seconds of an interval."""

    template = "EXTRACT(EPOCH FROM (%(expressions)s))"
    arg_joiner = " - "
    output_field = FloatField()


def days_between(begins: str | Combinable, ends: str | Combinable, *, unit: int = DAY) -> Any:
    """Time from one moment to another in days, or in another unit of so many seconds."""
    return _Seconds(_moment(ends), _moment(begins)) / float(unit)


def _moment(path: str | Combinable) -> BaseExpression | Combinable:
    return Cast(F(path) if isinstance(path, str) else path, DateTimeField())
