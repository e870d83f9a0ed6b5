"""Past: a year of leads, deals and cases from before this system, so that reports have something to count.

Rows are copied in as an import of an older system would bring them: ended, with the days on which things happened.
"""

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from crm import accounts
from crm.models import Account, Case, Contact, Lead, Opportunity, Site, Stage
from kernel import copying
from kernel.models import AuditEntry, User

CUSTOMERS = (
    ("Kustlijn Apotheken B.V.", "NL", "gold", "Health", ("Alkmaar", "Hoorn", "Den Helder")),
    ("Weserland Bau GmbH", "DE", "silver", "Construction", ("Bremen", "Minden", "Hameln")),
    ("Lindeboom Makelaars", "NL", "standard", "Real estate", ("Zwolle", "Deventer")),
    ("Maasvallei Onderwijs", "NL", "silver", "Education", ("Roermond", "Venlo", "Weert")),
    ("Antwerpse Havenlogistiek N.V.", "BE", "gold", "Logistics", ("Antwerpen", "Gent")),
    ("Taunus Kliniken AG", "DE", "gold", "Health", ("Bad Homburg", "Oberursel", "Kronberg")),
)
REGIONS = (Site.Region.METRO, Site.Region.REGIONAL, Site.Region.REMOTE)
SOURCES, TERRITORIES = ("web", "fair", "partner", "referral", "call"), ("North", "South", "Key accounts")
FIRST = ("Sanne", "Jan", "Femke", "Lars", "Eva", "Pieter", "Katrin", "Tim", "Maud", "Stefan", "Ilse", "Koen")
LAST = ("Visser", "Mertens", "Brandt", "de Boer", "Claes", "Hoekstra", "Lang", "Peeters", "Scholz", "Mulder", "Wouters")
FIRMS = ("Dijk", "Veen", "Berg", "Haven", "Molen", "Linde", "Kamp", "Duin", "Beek", "Zand", "Noord", "West")
TRADES = ("bouw B.V.", "zorg", "transport N.V.", "druk GmbH", "hotels", "advies", "foods B.V.", "techniek")
NEEDS = ("Wants another provider.", "Opens a second office.", "Moves to a new building.", "Calls break off too often.")
WARM = 25  # days after which a lead that came to nothing is given up
ROAD = ("contact", "nurture", "qualify", "convert")  # the acts of a lead, in order
STATES = ("new", "contacted", "nurturing", "qualified", "converted")
DEALS = ("Internet for new offices", "SD-WAN for branches", "Telephony and numbers", "Firewall and internet", "VPN")
CASES = (
    ("fault", "No internet at the site"), ("fault", "Calls break off"), ("billing", "Question about an invoice"),
    ("request", "Another address block"), ("complaint", "Nobody called back"), ("fault", "Slow in the afternoon"),
)  # fmt: skip
HOURS = {"critical": 4, "major": 24, "minor": 72}
SEED = 20_260_101


class Past:
    """A year back from today, always the same but for the days."""

    def __init__(self, team: dict[str, User]) -> None:
        self.team, self.chance = team, random.Random(SEED)  # noqa: S311 – figures of a demo
        self.now = timezone.now()
        self.sellers = [team["sales_agent"].pk, team["sales_agent"].pk, team["sales_manager"].pk]

    def ago(self, days: float) -> dt.datetime:
        """A moment so many days ago."""
        return self.now - dt.timedelta(days=days)

    def open_customers(self) -> list[Site]:
        """Customers of long standing with their sites, by the acts that screens use."""
        mira, made = self.team["sales_agent"], []
        for name, country, tier, industry, cities in CUSTOMERS:
            account = accounts.open_account(name=name, by=mira, tier=tier, industry=industry, credit_limit=80_000)
            mail = f"{name.split()[0].lower()}.example"
            contact = accounts.add_contact(
                account_id=account.pk, first_name="Noor", last_name="Kramer", email=f"noor.kramer@{mail}", by=mira,
                role=Contact.Role.TECHNICAL,
            )  # fmt: skip
            accounts.add_billing_profile(
                account_id=account.pk, invoice_email=f"invoices@{mail}", by=mira, street="Stationsplein 1",
                postcode="1000 AA", city=cities[0], country=country,
            )  # fmt: skip
            made += [
                accounts.add_site(
                    account_id=account.pk, code=f"{place:02d}", name=city, by=mira, street=f"Stationsplein {place}",
                    postcode="1000 AA", city=city, country=country, contact=contact,
                    region=REGIONS[(place - 1) % len(REGIONS)],
                )
                for place, city in enumerate(cities, 1)
            ]  # fmt: skip
        return made

    def deals(self, customers: Sequence[Account], count: int = 44) -> list[int]:
        """Deals won and lost over the year. Their keys."""
        stages = {stage.outcome: stage.pk for stage in Stage.objects.exclude(outcome=Stage.Outcome.OPEN)}
        keys, rows = copying.keys(Opportunity, count), []
        for place, pk in enumerate(keys):
            closed = self.ago(2 + 360 * (count - place) / count)
            wins = self.chance.random() < 0.5 + 0.15 * place / count
            outcome = "won" if wins else "lost"
            began = closed - dt.timedelta(days=self.chance.randint(12, 110))
            account = self.chance.choice(customers)
            rows.append((
                pk, f"OPP-25-{place + 1:04d}", self.chance.choice(DEALS), account.pk, stages[outcome], outcome,
                self.chance.randint(4, 60) * 100, closed.date(), closed.date(), self.chance.choice(self.sellers), began,
                "Best offer" if wins else self.chance.choice(("Price", "Delivery date", "Stays with the incumbent")),
            ))  # fmt: skip
        names = (
            "id", "number", "name", "account_id", "stage_id", "state", "monthly", "close_on", "closed_on", "owner_id",
            "created_at", "reason",
        )  # fmt: skip
        copying.copy(Opportunity, names, rows, currency="EUR")
        return keys

    def leads(self, opened: Sequence[int], count: int = 96) -> None:
        """Leads of the year, a part of which came to something; the trail has their moves."""
        keys, rows, moves = copying.keys(Lead, count), [], []
        deals = list(opened)
        for place, pk in enumerate(keys):
            came = self.ago(3 + 357 * (count - place) / count)
            reached = self.chance.choices(range(5), weights=(12, 20, 22, 14, 32))[0]
            reached = 3 if reached == 4 and not deals else reached
            lost = reached < 4 and (came < self.ago(WARM) or self.chance.random() < 0.3)
            firm = FIRMS[place % len(FIRMS)] + TRADES[place // len(FIRMS) % len(TRADES)]
            first, last = FIRST[place * 5 % len(FIRST)], LAST[place * 7 % len(LAST)]
            mail = f"{first}.{last}@{firm.split()[0]}.example".lower().replace(" ", "")
            rows.append((
                pk, f"LED-25-{place + 1:04d}", firm, first, last, mail, self.chance.choice(SOURCES),
                self.chance.choice(NEEDS),
                self.chance.choice(TERRITORIES), "disqualified" if lost else STATES[reached],
                deals.pop() if reached == 4 else None, self.chance.choice(self.sellers), came,
            ))  # fmt: skip
            moves += [(act, pk, came + dt.timedelta(days=3 * n + 1)) for n, act in enumerate(ROAD[:reached])]
        names = (
            "id", "number", "company", "first_name", "last_name", "email", "source", "need", "territory", "state",
            "converted_to_id", "owner_id", "created_at",
        )  # fmt: skip
        copying.copy(Lead, names, rows)
        copying.copy(AuditEntry, ("action", "subject_id", "at"), moves, subject_type=Lead._meta.label_lower, changes={})

    def cases(self, customers: Sequence[Account], count: int = 72) -> None:
        """Cases that were solved, most of them in time."""
        rows: list[tuple[Any, ...]] = []
        for place in range(count):
            kind, title = self.chance.choice(CASES)
            severity = self.chance.choices(tuple(HOURS), weights=(1, 3, 6))[0]
            came, allowed = self.ago(4 + 355 * (count - place) / count), HOURS[severity]
            took = allowed * self.chance.uniform(0.1, 1.15 if severity == "minor" else 1.35)
            solved = came + dt.timedelta(hours=took)
            rows.append((
                f"CAS-25-{place + 1:04d}", title, title, kind, severity, self.chance.choice(customers).pk, came,
                came + dt.timedelta(hours=allowed), solved, solved, solved, self.team["service_agent"].pk,
            ))  # fmt: skip
        names = (
            "number", "title", "description", "kind", "severity", "account_id", "created_at", "due_at", "resolved_at",
            "ended_at", "moved_at", "owner_id",
        )  # fmt: skip
        copying.copy(Case, names, rows, state="closed", channel="agent", solution="Solved on the phone.")
