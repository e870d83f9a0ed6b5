"""Who may look at the catalogue and who changes it; where it stands in the frame; how offerings are found."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from catalog import choosing, launching, rulecases, shopkeeping  # noqa: F401 – they register what they offer
from catalog.models import DecompositionRule, Offering
from kernel import finding, frame, home, roles, states, tableuse
from kernel.finding import Found, Sought
from kernel.frame import NavItem, NewItem
from kernel.states import Look

READS = ("catalog.view_offering", "catalog.view_specification", "catalog.view_pricelist")
KEPT = (
    "category", "offering", "bundleitem", "pricelist", "priceentry", "priceadjustment", "specification",
    "characteristic", "dependency", "decompositionrule", "bundlegroup", "sampleorder",
)  # fmt: skip

for _role in roles.ROLES:
    if _role not in ("customer", "technician"):
        roles.grant(_role, *READS)
for _keeper in ("process_admin", "product_manager"):
    roles.grant(_keeper, "catalog.publish_catalogue", "catalog.see_draft_entries")
    for _verb in ("view", "add", "change", "delete"):
        roles.grant(_keeper, *(f"catalog.{_verb}_{_name}" for _name in KEPT))
for _role in ("sales_manager", "finance", "fulfilment_manager", "order_manager"):
    roles.grant(_role, "catalog.see_draft_entries", "catalog.view_sampleorder")
roles.grant(
    "product_manager", "kernel.view_decisiontable", "kernel.change_decisiontable", "kernel.add_decisiontable",
    "kernel.view_auditentry",
)  # fmt: skip
for _role in ("order_fulfilment_agent", "order_manager", "fulfilment_manager", "fallout_manager"):
    roles.grant(_role, "catalog.view_decompositionrule")
roles.grant("finance", "catalog.view_priceentry", "catalog.change_priceentry", "catalog.view_priceadjustment")

frame.add(
    NavItem("Look up", "Catalogue", "books", "catalog:offering_list", "catalog.view_offering", 40),
    NavItem("Process", "Test bench", "flask", "catalog:sample_list", "catalog.add_sampleorder", 25),
    NavItem("Process", "Decomposition rules", "sitemap", "catalog:rule_list", "catalog.view_decompositionrule", 20),
    NavItem("Process", "What goes together", "link", "catalog:pairing_list", "catalog.view_dependency", 22),
)
frame.add_new(
    NewItem("Offering", "books", "catalog:offering_new", "catalog.add_offering", 80),
    NewItem("Specification", "pencil", "catalog:specification_new", "catalog.add_specification", 81),
)
home.next_actions("catalog.publish_catalogue", shopkeeping.drafts)
home.figures("catalog.publish_catalogue", shopkeeping.figures, order=12)
states.add(
    {
        "catalog.offering.design": Look("pencil", "In design", "idle"),
        "catalog.offering.testing": Look("flask", "In testing", "wait"),
        "catalog.specification.design": Look("pencil", "In design", "idle"),
        "catalog.specification.testing": Look("flask", "In testing", "wait"),
        "catalog.specification.active": Look("circle-check", "In use", "ok"),
        "catalog.specification.retired": Look("circle-x", "Retired", "idle"),
        "catalog.offering.active": Look("circle-check", "For sale", "ok"),
        "catalog.offering.retired": Look("circle-x", "No longer sold", "idle"),
        "catalog.decompositionrule.active": Look("circle-check", "Published", "ok"),
    }
)


def _offerings(rows: Any, sought: Sought) -> Iterable[Any]:
    """Active offerings by name or key."""
    yield rows.filter(sought.within("name", "key"))


def _tell_offering(offering: Offering) -> Found:
    url = reverse("catalog:offering", args=[offering.key])
    return Found(offering.name, url, offering.category.name, "", offering.icon or "books")


def _rules(rows: Any, sought: Sought) -> Iterable[Any]:
    """Published rules and drafts by key or by what they make."""
    yield rows.filter(sought.within("key", "target__name", "source__name"))


def _tell_rule(rule: DecompositionRule) -> Found:
    name = f"{rule.source.name} → {rule.target.name}"
    return Found(name, rule.get_absolute_url(), f"version {rule.version}", rule.key, "sitemap")


finding.register(
    "Catalogue", "books", "catalog.view_offering", order=40, ways=_offerings, tell=_tell_offering,
    rows=lambda user: Offering.objects.visible_to(user).filter(state="active").select_related("category"),
)  # fmt: skip
tableuse.add(*rulecases.USES)
finding.register(
    "Decomposition rules", "sitemap", "catalog.view_decompositionrule", order=80, ways=_rules, tell=_tell_rule,
    rows=lambda user: DecompositionRule.objects.visible_to(user).exclude(state="retired")
    .select_related("source", "target").order_by("key", "-version"),
)  # fmt: skip

from catalog import priceroles as priceroles  # noqa: E402  prices have roles and places of their own
