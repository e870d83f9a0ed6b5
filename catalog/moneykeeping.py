"""Moneykeeping: exchange rates, rounding, margin floors and proration are added, each on the record."""

from django.db import IntegrityError, models, transaction

from kernel import audit, roles
from kernel.models import User
from kernel.refusal import NotPermitted, Refusal

PLACES = {
    "exchangerate": ("valid_from", "There is a rate for these two from that day already. A later day replaces it."),
    "currencyrule": ("valid_from", "There is a rule for this currency from that day already."),
    "marginfloor": ("role", "There is a floor for this role and segment already; it is changed in the admin."),
    "prorationrule": ("valid_from", "There is a rule for this country and currency from that day already."),
}


@transaction.atomic
def keep(record: models.Model, *, by: User) -> models.Model:
    """Store a new row. Raises Refusal at its field when there is one for the same day already."""
    try:
        with transaction.atomic():
            record.save()
    except IntegrityError as error:
        field, said = PLACES[record._meta.model_name or ""]
        raise Refusal(problems={field: [said]}) from error
    audit.record("added", record, by=by, changes={"what": [None, str(record)]})
    return record


def require(user: User, right: str) -> None:
    """Raises NotPermitted unless the person has the right."""
    if not user.has_perm(right):
        raise NotPermitted(f"Your roles do not include the right “{roles.words(right)}”.")
