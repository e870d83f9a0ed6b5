"""Batch: what a preview of the desk froze is checked once for all of it, then done by `kernel.many`."""

from typing import Any

from django.db import transaction

from fallout import previewing
from fallout.acts import Act
from fallout.models import Fallout
from kernel import freezing, many
from kernel.models import Many, User
from kernel.refusal import Refusal


@transaction.atomic
def start(
    token: str, by: User, *, owner: User | None = None, values: dict[str, Any] | None = None, note: str = "",
    ends_as: str = "",
) -> Many:  # fmt: skip
    """Begin what a preview showed; pressing twice gives the same.

    Raises:
        Conflict: the preview is older than an hour, or somebody else's.
        NotPermitted: the person may not do the act.
        Refusal: what the act needs is missing or wrong, at its field; nothing is begun.
    """
    frozen = freezing.thaw(many.PREVIEW, token, by)
    act = Act(frozen["act"])
    records = list(previewing.rows(Fallout.objects.filter(pk__in=frozen["ids"])).order_by("pk"))
    typed = {key: given for key, given in (values or {}).items() if str(given).strip() or act != Act.EDIT}
    given = previewing.Given(owner=owner, values=typed, note=note, ends_as=ends_as)
    if problems := previewing.problems(act, records, given, by):
        raise Refusal(problems=problems)
    asked = {"reason": note.strip()[:2000], "values": typed, "owner": owner.pk if owner else None, "ends_as": ends_as}
    return many.start(frozen, asked, by, about=records[0].cause)
