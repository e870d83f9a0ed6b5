"""List edits: which fields of leads, deals, customers and sites may be changed from their lists, and by which act."""

from typing import Any

from crm import accounts, capture, casework, coordinates, countries, pipeline
from crm.forms import AccountForm, CaseForm, ContactForm, OpportunityForm, OwnedLeadForm, SiteForm
from crm.models import Opportunity
from kernel import editing
from kernel.amending import Edits


def _unfit(site: Any, values: dict[str, Any]) -> dict[str, list[str]]:
    """What of a site's address would not fit together."""
    problems: dict[str, list[str]] = {}
    now = {name: values.get(name, getattr(site, name)) for name in ("country", "postcode", "latitude", "longitude")}
    if {"country", "postcode"} & set(values) and (
        problem := countries.postcode_problem(now["country"], now["postcode"])
    ):
        problems["postcode" if "postcode" in values else "country"] = [problem]
    for name in set(coordinates.LIMITS) & set(values):
        if problem := coordinates.too_far(name, now[name]):
            problems[name] = [problem]
    if {"latitude", "longitude"} & set(values) and (now["latitude"] is None) != (now["longitude"] is None):
        problems.setdefault("latitude", [coordinates.HALF])
    return problems


LEADS = Edits(
    OwnedLeadForm,
    ("company", "first_name", "last_name", "job_title", "email", "phone", "need", "source", "rating", "score",
     "territory", "country", "owner"),
    "crm.change_lead", lambda pk, **how: capture.change(lead_id=pk, **how),
    cells=("rating", "score", "source", "owner"), why_not=capture.why_not,
)  # fmt: skip
OPPORTUNITIES = Edits(
    OpportunityForm, ("name", "close_on", "next_step", "competitors", "need", "owner"), "crm.change_opportunity",
    lambda pk, edition, by, **values: editing.edit(Opportunity, pk, edition=edition, values=values, by=by),
    cells=("close_on", "next_step", "owner"), why_not=pipeline.why_not,
)  # fmt: skip
ACCOUNTS = Edits(
    AccountForm,
    ("name", "registration", "vat_number", "industry", "segment", "tier", "owner", "credit_limit"),
    "crm.change_account", lambda pk, **how: accounts.change_account(account_id=pk, **how),
    cells=("industry", "tier", "owner"), rights={"credit_limit": "crm.set_credit"},
)  # fmt: skip
CASES = Edits(
    CaseForm, ("title", "description", "kind", "severity", "about", "their_reference"), "crm.change_case",
    lambda pk, **how: casework.change(case_id=pk, **how), cells=("kind", "severity"), why_not=casework.why_not,
)  # fmt: skip
CONTACTS = Edits(
    ContactForm, ("first_name", "last_name", "job_title", "email", "phone", "role"), "crm.change_contact",
    lambda pk, **how: accounts.change_contact(contact_id=pk, **how),
    cells=("job_title", "role", "email", "phone"), key="pk",
)  # fmt: skip
SITES = Edits(
    SiteForm,
    ("code", "name", "street", "postcode", "city", "country", "latitude", "longitude", "region", "access_notes"),
    "crm.change_site", lambda pk, **how: accounts.change_site(site_id=pk, **how),
    cells=("street", "region", "country"), key="pk", check=_unfit,
)  # fmt: skip
