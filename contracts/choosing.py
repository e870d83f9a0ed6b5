"""Choosing: open deals, agreements in force and whoever signs for us, for the forms of quotes and agreements."""

from typing import Any

from catalog.models import PriceList
from contracts import agreedprices, signingorder
from contracts.models import Agreement
from crm.models import Opportunity
from kernel import choosing, colleagues
from kernel.models import User


def deals(by: User) -> Any:
    """Open opportunities, newest first."""
    return Opportunity.objects.visible_to(by).filter(state="open").select_related("account").order_by("-id")


def in_force(by: User) -> Any:
    """Agreements that count now."""
    rows = Agreement.objects.visible_to(by).filter(state="active").select_related("account")
    return rows.order_by("account__name", "pk")


def signers(by: User) -> Any:
    """Our people who may sign for us and can be written to."""
    app, code = signingorder.RIGHT.split(".")
    may = {"groups__permissions__codename": code, "groups__permissions__content_type__app_label": app}
    return User.objects.filter(**may, is_active=True).exclude(email="").distinct().order_by("last_name", "pk")


def listed(by: User, price_list: int = 0) -> Any:
    """What of a price list an agreement can fix."""
    return agreedprices.sold(price_list).filter(price_list__in=PriceList.objects.visible_to(by))


choosing.register(
    "contracts.listed", rows=listed, search=("offering__name", "label"),
    label=lambda one: agreedprices.worded(one.offering, one.label),
)  # fmt: skip
choosing.register(
    "contracts.deal", rows=deals, search=("name", "number", "account__name"),
    label=lambda one: f"{one.name}, {one.account.name}", detail=lambda one: one.number,
)  # fmt: skip
choosing.register(
    "contracts.in_force", rows=in_force, search=("title", "number", "account__name"),
    label=lambda one: f"{one.title}, {one.account.name} ({one})",
)  # fmt: skip
choosing.register("contracts.signer", rows=signers, search=colleagues.SEARCH, label=colleagues.label)
