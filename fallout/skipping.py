"""Skipping: whether a task can be left out, or what would be missing later."""

from django.db import models

from catalog.models import Characteristic
from fulfillment.models import PlanItem, Task

CLOSED = ("completed", "skipped", "discarded", "cancelled")


def why_not(task: Task) -> str:
    """The reason in words why a task cannot be left out; empty when it can."""
    if task.item.no_return == PlanItem.NoReturn.HARD:
        return "It is a point of no return: what follows relies on it, so it cannot be left out."
    missing = [key for key in outputs(task) if key not in task.flow.data and key not in optional(task)]
    if not missing:
        return ""
    wanted = models.Q()
    for key in missing:
        wanted |= models.Q(item__inputs__contains=[key])
    later = Task.objects.filter(wanted, flow__account_id=task.flow.account_id, flow__root_id=task.flow.root_id)
    first = later.exclude(pk=task.pk).exclude(state__in=CLOSED).order_by("position", "pk").first()
    if first is None:
        return ""
    return f"Later tasks need the {_words(missing, task)} that it puts out (“{first.name}”), so it cannot be left out."


def outputs(task: Task) -> list[str]:
    """Names of what a task puts out that only its work can tell; one written `name = expression` is calculated."""
    return [str(output).strip().rstrip("?") for output in task.item.outputs if "=" not in str(output)]


def optional(task: Task) -> set[str]:
    """Those of the outputs that may stay out."""
    return {str(output).strip().rstrip("?") for output in task.item.outputs if str(output).strip().endswith("?")}


def _words(keys: list[str], task: Task) -> str:
    names = dict(
        Characteristic.objects.filter(key__in=keys, specification=task.flow.definition.specification_id).values_list(
            "key", "name"
        )
    )
    said = [names.get(key, key.replace("_", " ")) for key in keys]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
