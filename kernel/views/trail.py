"""The audit trail as a list: who did what to which record, when."""

from typing import Any

import django_filters
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from kernel import audit, tables, workspace
from kernel.models.trail import AuditEntry


class Words(tables.Text):
    """A name of the code, in words."""

    def shown(self, value: Any, record: Any) -> str:
        return str(value).replace("_", " ").capitalize()


def _changes(row: AuditEntry) -> str:
    told = [
        f"{name.replace('_', ' ')}: {pair[0] or '–'} → {pair[1] or '–'}" for name, pair in list(row.changes.items())[:2]
    ]
    return "; ".join(text[:80] for text in told)


class EntryTable(tables.Table):
    """What happened."""

    subject_name = tables.Text(verbose_name="Record", sub=lambda row: row.subject_type.split(".")[-1], css="strong")
    action = Words(sub=_changes, verbose_name="What happened")
    reason = tables.Text(optional=True, orderable=False)
    actor = tables.Avatar(verbose_name="Who", orderable=False, empty="The system", optional=True)
    at = tables.When(verbose_name="When")


class EntryFilter(tables.Filters):
    """By kind of record, action and day."""

    subject_type = django_filters.AllValuesFilter(label="Kind", empty_label="All")
    since = django_filters.DateFilter(field_name="at", lookup_expr="date__gte", label="Since")

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()


class Trail(tables.ListPage):
    """The audit trail, newest first."""

    title = "Audit trail"
    lead = "who did what, when, from where; it cannot be changed"
    model = AuditEntry
    table = EntryTable
    filters = EntryFilter
    search = ("subject_name", "action", "reason", "actor__username")
    search_label = "Record, action, person"
    sort = "-at"
    related = ("actor",)
    empty = tables.Empty("history", "Nothing has happened yet", "Every change of every record is written here.")

    def rows(self) -> Any:
        """Everything that this person may read: the page needs the right to see the trail."""
        return audit.readable_by(workspace.person(self.request))


@workspace.allowed("kernel.use_workspace", "kernel.view_auditentry")
@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Trail)
