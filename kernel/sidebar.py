"""The administration's sidebar, grouped by task instead of by app."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from kernel.saying import said

TASKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("People and rights", ("kernel.user", "auth.group")),
    ("Rules and calendars", ("kernel.decisiontable", "kernel.businesscalendar", "kernel.documenttype")),
    ("What happened", ("kernel.auditentry", "kernel.approvalrequest", "kernel.document")),
    ("Other systems", ("kernel.apiclient", "kernel.apicall", "kernel.subscription", "kernel.delivery")),
    ("The machine", ("kernel.outboxevent", "django_celery_beat.periodictask")),
)
NAMED = {"auth.group": "Roles"}  # what the library calls otherwise
APPS = ("catalog", "crm", "cmdb", "contracts", "fulfillment", "orders", "fallout", "portal")


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """The way back, tasks, then the configuration records of each app, each entry for whoever may view it."""
    listed = {label for _, labels in TASKS for label in labels}
    tasks: list[tuple[str, list[str]]] = [(title, list(labels)) for title, labels in TASKS]
    for app in APPS:
        own = [m._meta.label_lower for m in apps.get_app_config(app).get_models() if m in admin.site._registry]
        tasks.append((str(apps.get_app_config(app).verbose_name), [label for label in own if label not in listed]))
    back = {"title": "", "items": [{"title": said("Back to the workspace"), "link": reverse("home"), "active": False}]}
    return [back] + [
        {"title": said(title), "separator": True, "items": items}
        for title, labels in tasks
        if (items := [entry for label in labels if (entry := _entry(label, request))])
    ]


def _entry(label: str, request: HttpRequest) -> dict[str, Any] | None:
    model = apps.get_model(label)
    page = admin.site._registry.get(model)
    if page is None or not page.has_view_permission(request):
        return None
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    title = said(NAMED[label]) if label in NAMED else capfirst(str(model._meta.verbose_name_plural))
    return {"title": title, "link": reverse(name)}
