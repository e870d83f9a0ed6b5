"""Report filters of selling: by seller, customer and region, for the reports of this app and those above."""

from django.conf import settings
from django.db import models

from crm import choosing
from crm.models import Account, Site
from kernel.models import User
from kernel.reporting import Filter


def _sellers(user: User) -> list[tuple[str, str]]:
    return [(str(user.pk), "Me"), *((str(one.pk), str(one)) for one in choosing.sellers() if one.pk != user.pk)]


def currency(records: type[models.Model]) -> Filter:
    """One of the currencies that these records are in; the one we reckon in is always offered, and usual."""

    def used(user: User) -> list[tuple[str, str]]:
        codes = records._default_manager.order_by("currency").values_list("currency", flat=True).distinct()
        return [(code, code) for code in sorted({settings.HOME_CURRENCY, *codes})]

    return Filter("currency", "Currency", used, usual=settings.HOME_CURRENCY)


SELLER = Filter("owner", "Owner", _sellers, all="Anyone")
REGION = Filter("region", "Region", lambda user: Site.Region.choices, all="Everywhere")
TIER = Filter("tier", "Customer", lambda user: Account.Tier.choices, all="Every tier")
