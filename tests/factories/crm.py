"""Customers for tests, made by the same acts that the product uses.

`AccountFactory()` is a legal entity; `AccountFactory(parent=entity)` a child; `by` is who does it (nobody by default).
"""

import datetime as dt
from typing import Any

import factory

from crm import accounts, capture, casework, conversion, pipeline, qualification
from crm.models import Account, BillingProfile, Case, Contact, Lead, Opportunity, Site, Stage


class _Made(factory.django.DjangoModelFactory[Any]):
    """A factory whose `make` calls the act."""

    class Meta:
        abstract = True

    @classmethod
    def make(cls, **values: Any) -> Any:
        """Call the act."""
        raise NotImplementedError

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **values: Any) -> Any:
        values.setdefault("by", None)
        return cls.make(**values)


class AccountFactory(_Made):
    """A legal entity, or a child when given a parent."""

    class Meta:
        model = Account

    name = factory.Sequence(lambda n: f"{('Noorderlicht', 'Alpenrand', 'Kanaal', 'Havel')[n % 4]} Logistics {n}")

    @classmethod
    def make(cls, **values: Any) -> Account:
        parent = values.pop("parent", None)
        return accounts.open_account(parent_id=parent.pk if parent else None, **values)


class ContactFactory(_Made):
    """A person at an account; `portal_access=True` makes a log-in."""

    class Meta:
        model = Contact

    account = factory.SubFactory(AccountFactory)
    first_name = "Julia"
    last_name = "Brandt"
    email = factory.Sequence(lambda n: f"julia{n}@customer.example")
    role = Contact.Role.SIGNATORY

    @classmethod
    def make(cls, **values: Any) -> Contact:
        return accounts.add_contact(account_id=values.pop("account").pk, **values)


class SiteFactory(_Made):
    """A site with an address in Rotterdam."""

    class Meta:
        model = Site

    account = factory.SubFactory(AccountFactory)
    code = factory.Sequence(lambda n: f"RTM-{n:03d}")
    name = factory.Sequence(lambda n: f"Rotterdam Waalhaven {n}")
    street = "Waalhaven Oostzijde 81"
    postcode = "3087 BM"
    city = "Rotterdam"
    country = "NL"
    latitude = 51.88920
    longitude = 4.46150

    @classmethod
    def make(cls, **values: Any) -> Site:
        return accounts.add_site(account_id=values.pop("account").pk, **values)


class BillingProfileFactory(_Made):
    """The default billing profile of an account."""

    class Meta:
        model = BillingProfile

    account = factory.SubFactory(AccountFactory)
    invoice_email = "invoices@customer.example"
    street = "Wilhelminakade 909"
    postcode = "3072 AP"
    city = "Rotterdam"
    country = "NL"

    @classmethod
    def make(cls, **values: Any) -> BillingProfile:
        return accounts.add_billing_profile(account_id=values.pop("account").pk, **values)


STAGES = (
    ("qualify", "Qualify", 10, "open"),
    ("develop", "Develop", 30, "open"),
    ("propose", "Propose", 60, "open"),
    ("negotiate", "Negotiate", 80, "open"),
    ("closed_won", "Closed won", 100, "won"),
    ("closed_lost", "Closed lost", 0, "lost"),
)


def stages() -> dict[str, Stage]:
    """The stages of the pipeline by key, made when missing."""
    Stage.objects.bulk_create(
        [
            Stage(key=key, name=name, position=n * 10, probability=probability, outcome=outcome)
            for n, (key, name, probability, outcome) in enumerate(STAGES, 1)
        ],
        ignore_conflicts=True,
    )
    return {stage.key: stage for stage in Stage.objects.all()}


class OpportunityFactory(_Made):
    """An open opportunity in its first stage."""

    class Meta:
        model = Opportunity

    account = factory.SubFactory(AccountFactory)
    name = factory.Sequence(lambda n: f"SD-WAN for {n} sites")
    close_on = dt.date(2027, 3, 31)

    @classmethod
    def make(cls, **values: Any) -> Opportunity:
        stages()
        return pipeline.open_opportunity(account_id=values.pop("account").pk, **values)


class LeadFactory(_Made):
    """A lead; `state` is reached by the real moves: new, contacted, nurturing, qualified, disqualified, converted."""

    class Meta:
        model = Lead

    company = factory.Sequence(lambda n: f"Spedition Weser {n}")
    first_name = "Anna"
    last_name = factory.Sequence(lambda n: f"Petersen {n}")
    email = factory.Sequence(lambda n: f"anna{n}@prospect.example")
    need = "One network for all depots"

    @classmethod
    def make(cls, **values: Any) -> Lead:
        wanted, by = values.pop("state", "new"), values["by"]
        lead = capture.capture(**values)
        if wanted == "disqualified":
            return qualification.disqualify(lead_id=lead.pk, because="No budget", by=by)
        steps = (qualification.contact, qualification.nurture, qualification.qualify)
        for step in steps[: ("new", "contacted", "nurturing", "qualified", "converted").index(wanted)]:
            lead = step(lead_id=lead.pk, by=by)
        if wanted == "converted":
            stages()
            conversion.convert(lead_id=lead.pk, by=by)
            lead = Lead.objects.get(pk=lead.pk)
        return lead


class CaseFactory(_Made):
    """A case that nobody has taken yet."""

    class Meta:
        model = Case

    account = factory.SubFactory(AccountFactory)
    title = factory.Sequence(lambda n: f"No light on line {n}")
    description = "Since nine in the morning"

    @classmethod
    def make(cls, **values: Any) -> Case:
        return casework.report(**values)
