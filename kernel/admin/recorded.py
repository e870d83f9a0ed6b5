"""Recorded: administration pages whose changes go to the audit trail, which is their history as well."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IS_POPUP_VAR
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from unfold.admin import ModelAdmin

from kernel import audit, naming
from kernel.models import AuditEntry, User
from kernel.saying import said

SHOWN = 100  # entries on a page of history
NOBODY = User(username="The system")
SECRET = ("password", "secret", "token")  # parts of names whose values are never written


@dataclass(frozen=True)
class Told:
    """One row of the history page."""

    action_time: dt.datetime
    user: User
    get_change_message: str


class Recorded(ModelAdmin):
    """Writes who changed what from which value to which, as every other door does; shows what all doors wrote."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:  # fmt: skip
        request.recorded_changes = {**_of_form(form), **_of_rows(formsets or ())}  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)

    def message_user(self, request: HttpRequest, message: Any, *args: Any, **kwargs: Any) -> None:
        super().message_user(request, said(message), *args, **kwargs)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _write("added in the administration", request, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _write("changed in the administration", request, obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            request.recorded_changes = {}  # type: ignore[attr-defined]
            _write("deleted in the administration", request, obj)
        return super().log_deletions(request, queryset)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:  # fmt: skip
        rows = AuditEntry.objects.filter(subject_type=self.model._meta.label_lower, subject_id=_key(object_id))
        pages = Paginator(rows.select_related("actor").order_by("-id"), SHOWN)
        page = pages.get_page(request.GET.get("p"))
        told = [Told(row.at, row.actor or NOBODY, _words(row)) for row in page]
        page.object_list = told  # type: ignore[assignment]
        numbers = pages.get_elided_page_range(page.number)
        context = {
            "action_list": page,
            "page_range": numbers,
            "page_var": "p",
            "pagination_required": pages.count > SHOWN,
        }
        shown: HttpResponseBase = super().history_view(request, object_id, {**context, **(extra_context or {})})
        return shown


def _of_form(form: Any) -> dict[str, list[Any]]:
    """Field → [old, new] of what was changed in a form."""
    found = {}
    for name in form.changed_data:
        field = form.fields.get(name)
        if field is None or any(part in name for part in SECRET):
            found[name] = [None, "changed"]
        else:
            found[name] = [_plain(form.initial.get(name), field), _plain(form.cleaned_data.get(name), field)]
    return found


def _of_rows(formsets: Iterable[Any]) -> dict[str, list[Any]]:
    """The same of rows below the record: what each was called."""
    found: dict[str, list[Any]] = {}
    for rows in formsets:
        with naming.spoken(False):
            name = str(rows.model._meta.verbose_name_plural)
        gone = [str(one) for one in getattr(rows, "deleted_objects", ())]
        new = [str(one) for one in getattr(rows, "new_objects", ())]
        new += [f"{one} ({', '.join(fields)})" for one, fields in getattr(rows, "changed_objects", ())]
        if gone or new:
            found[name] = ["; ".join(gone) or None, "; ".join(new) or None]
    return found


def _plain(value: Any, field: Any) -> Any:
    """A value as people read it: records by name, also where the form holds their keys."""
    if isinstance(value, models.Model):
        return str(value)
    if isinstance(value, list | tuple | models.QuerySet):
        return ", ".join(str(_plain(one, field)) for one in value)
    rows = getattr(field, "queryset", None)
    if rows is not None and value not in (None, ""):
        return str(rows.model._default_manager.filter(pk=value).first() or value)
    return value


def _write(action: str, request: HttpRequest, obj: Any) -> None:
    user = request.user
    by = user if isinstance(user, User) else None
    changes = getattr(request, "recorded_changes", {})
    audit.record(action, obj, by=by, changes=changes, reason="in a window" if IS_POPUP_VAR in request.POST else "")


def _words(row: AuditEntry) -> str:
    changes = row.changes.items()
    told = [f"{said(name.replace('_', ' '))}: {_short(pair[0])} → {_short(pair[1])}" for name, pair in changes]
    action = said(row.action.replace("_", " ").capitalize())
    return ". ".join(text for text in (action, "; ".join(told), said(row.reason)) if text)


def _short(value: Any) -> str:
    text = "–" if value in (None, "") else str(value)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _key(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
