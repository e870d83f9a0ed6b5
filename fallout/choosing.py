"""Choosing: those who mend, for the forms that give records of fallout away."""

from typing import Any

from django.contrib.auth.models import Permission

from fallout import resolution
from kernel import choosing, colleagues
from kernel.models import User


def menders(by: User) -> Any:
    """Everybody who may mend, for whoever gives such work away."""
    if not by.has_perm(resolution.ASSIGN):
        return User.objects.none()
    right = Permission.objects.filter(content_type__app_label="fallout", codename="resolve_fallout")
    theirs = User.objects.filter(groups__permissions__in=right).values("pk")
    return User.objects.filter(is_active=True, pk__in=theirs).order_by("last_name", "first_name", "pk")


choosing.register("fallout.mender", rows=menders, search=colleagues.SEARCH, detail=lambda one: ", ".join(one.teams))
