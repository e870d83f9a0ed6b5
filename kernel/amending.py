"""Amending: which fields of a list's records may be changed from the list, in a cell or by its file coming back.

    class Leads(tables.ListPage):
        edits = amending.Edits(
            LeadForm, ("company", "rating", "owner"), "crm.change_lead",
            lambda pk, **how: capture.change(lead_id=pk, **how), cells=("rating", "owner"),
        )

Only what stands there can be changed, each time by the record's own act, with the right that its form needs, and on the
edition that was shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction

from kernel.editing import Changed, Difference
from kernel.listfields import Fields
from kernel.models.people import User
from kernel.refusal import Conflict, NotPermitted


@dataclass(frozen=True)
class Edits:
    """What may be changed from a list, and by which act: `change(pk, edition=, by=, **values)`.

    The fields are those of a class of form; `cells` are the columns that turn into their field. `key` tells the
    records of a file apart. `why_not(record)` says why one cannot be changed now, `check(record, values)` what does
    not fit together, by field. `rights` are permissions that single fields want besides.
    """

    form: Any
    fields: tuple[str, ...]
    permission: str
    change: Callable[..., Any]
    cells: tuple[str, ...] = ()
    key: str = "number"
    why_not: Callable[[Any], str] = lambda record: ""
    check: Callable[[Any, dict[str, Any]], dict[str, list[str]]] = lambda record, values: {}
    rights: Mapping[str, str] = field(default_factory=dict)

    def names(self, by: Any) -> list[str]:
        """The fields that this person may change; none without the right."""
        if not by.has_perm(self.permission):
            return []
        return [name for name in self.fields if by.has_perm(self.rights.get(name, self.permission))]

    def require(self, by: User) -> None:
        """Raises NotPermitted."""
        if not by.has_perm(self.permission):
            raise NotPermitted("Your roles do not include the right to change these records.")


@transaction.atomic
def amend(
    edits: Edits, model: type[models.Model], pk: int, *, edition: int, by: User, typed: Mapping[str, str]
) -> Any:  # fmt: skip
    """Change a record as it was shown at `edition`, by its own act; `typed` is what its fields take.

    Raises:
        NotPermitted: the person may not change such records, or not this field.
        DoesNotExist: they do not see it.
        Changed: somebody else changed it since.
        Conflict: it cannot be changed in its state.
        Refusal: with the problems of each field.
    """
    edits.require(by)
    rows: Any = model._default_manager
    record = rows.visible_to(by).locked(pk)
    if why := edits.why_not(record):
        raise Conflict(why)
    fields = Fields(edits, by)
    values = fields.values(record, typed)
    if record.edition != edition:
        raise Changed(record, [_difference(fields, record, name, values[name]) for name in values])
    return edits.change(pk, edition=edition, by=by, **values) if values else record


def _difference(fields: Fields, record: Any, name: str, value: Any) -> Difference:
    stored, typed = fields.told(name, getattr(record, name)), fields.told(name, value)
    return Difference(name, fields.label(name), stored or "empty", typed or "empty")
