"""Basis: a quote that starts straight from a contract in force, to renew it, to change it, or to sell more like it."""

from django.db import transaction
from django.utils import timezone

from catalog import configuration
from catalog.models import Offering
from contracts import periods, quoting
from contracts.models import Agreement, Contract, ContractLine, Quote, QuoteLine
from kernel import audit
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

RIGHT = "contracts.edit_quote"
OPEN = ("draft", "in_review", "rejected", "approved", "presented")
Purpose = Quote.Purpose


@transaction.atomic
def start(*, contract_id: int, purpose: str, by: User | None) -> Quote:
    """Open a quote with the contract's customer, agreement, currency and term; renewals and changes have its lines too.

    A service contract stands for the sales contract above it. Prices of a change's untouched lines are those in force,
    its term is what is left of the contract's; a renewal is priced anew.

    Raises:
        Conflict: the contract is not in force, or such a quote is open already.
        Refusal: there is nothing left to change, or no such purpose.
        NotPermitted: the person may not write quotes.
    """
    if by is not None and not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to write quotes.")
    if purpose not in Purpose.values:
        raise Refusal(problems={"purpose": ["Say whether to renew, to change, or to sell more."]})
    contract = _locked(contract_id)
    _require_possible(contract, purpose)
    agreement = agreement_of(contract)
    quote = quoting.create(
        by=by, account_id=contract.account_id, agreement_id=agreement.pk if agreement else None,
        title=_title(contract, purpose), term_months=_term(contract, purpose),
    )  # fmt: skip
    quote.basis, quote.purpose = contract, purpose
    if agreement is None and contract.quote.price_list.currency == contract.currency:
        quote.price_list, quote.currency = contract.quote.price_list, contract.currency
    quote.save(update_fields=["basis", "purpose", "price_list", "currency", "updated_at"])
    if purpose != Purpose.NEW:
        quoting.settle(quote, _copy(contract, quote, purpose), by=by)
    audit.record("started from contract", quote, by=by, changes={"contract": [None, contract.number]})
    return Quote.objects.get(pk=quote.pk)


def agreement_of(contract: Contract) -> Agreement | None:
    """The version in force of the contract's agreement, if there is one."""
    if contract.agreement is None:
        return None
    found = Agreement.objects.filter(number=contract.agreement.number, state=Agreement.State.ACTIVE)
    return found.first()


def open_quotes(contract: Contract) -> list[Quote]:
    """Quotes under way that start from this contract, newest first."""
    rows = Quote.objects.filter(basis=contract.parent_id or contract.pk, state__in=OPEN)
    return list(rows.order_by("-id"))


def months_left(contract: Contract) -> int:
    """Whole and begun months of the term from today on, at least one."""
    today = timezone.localdate()
    if contract.starts_on is None or contract.ends_on is None:
        return contract.term_months
    whole = periods.begun(contract.starts_on, contract.ends_on)
    return max(1, whole - max(periods.begun(contract.starts_on, today) - 1, 0))


def _locked(contract_id: int) -> Contract:
    pk, parent = Contract.objects.values_list("pk", "parent_id").get(pk=contract_id)
    found: Contract = Contract.objects.locked(parent or pk)
    return found


def _require_possible(contract: Contract, purpose: str) -> None:
    if contract.state != Contract.State.ACTIVE:
        raise Conflict(
            f"{contract.number} is {contract.get_state_display().lower()}; only one in force is quoted from."
        )
    if purpose == Purpose.NEW:
        return
    if other := next((quote for quote in open_quotes(contract) if quote.purpose != Purpose.NEW), None):
        raise Conflict(f"{other} changes or renews this contract already; finish or cancel that one.")
    if purpose == Purpose.RENEWAL and contract.renewals.exclude(state=Contract.State.CANCELLED).exists():
        raise Conflict("It is renewed already; change the contract that follows.")
    if purpose == Purpose.AMENDMENT and contract.ends_on and contract.ends_on < timezone.localdate():
        raise Refusal(f"The term of {contract.number} is over; renew it instead.")


def _title(contract: Contract, purpose: str) -> str:
    name = contract.account.name
    words = {Purpose.RENEWAL: f"Renewal of {contract.number}", Purpose.AMENDMENT: f"Change of {contract.number}"}
    return f"{words.get(Purpose(purpose), 'More services')}, {name}"[:120]


def _term(contract: Contract, purpose: str) -> int:
    return months_left(contract) if purpose == Purpose.AMENDMENT else contract.term_months


def _copy(contract: Contract, quote: Quote, purpose: str) -> list[QuoteLine]:
    """The running lines with their keys; a renewal takes the version of an offering that is sold now."""
    rows = list(
        ContractLine.objects.filter(contract=contract, ended_on=None)
        .select_related("quote_line", "offering")
        .order_by("quote_line__position", "pk")
    )
    wanted = {row.offering.key for row in rows}
    sold = Offering.objects.filter(key__in=wanted, state=Offering.State.ACTIVE).select_related("specification")
    now = {one.key: one for one in sold.prefetch_related("specification__characteristics")}
    made = {}
    for position, row in enumerate(rows, 1):
        offering = now.get(row.offering.key, row.offering) if purpose == Purpose.RENEWAL else row.offering
        told = now.get(row.offering.key, row.offering).specification
        made[row.quote_line_id] = QuoteLine(
            quote=quote, key=row.quote_line.key, position=position, site_id=row.site_id, offering=offering,
            quantity=row.quantity, characteristics=row.characteristics,
            problems=configuration.validate(told, row.characteristics, complete=True) if told else {},
        )  # fmt: skip
    QuoteLine.objects.bulk_create(made.values())
    members = []
    for row in rows:
        if row.quote_line.parent_id in made:
            made[row.quote_line_id].parent = made[row.quote_line.parent_id]
            members.append(made[row.quote_line_id])
    if members:
        QuoteLine.objects.bulk_update(members, ["parent"])
    return list(made.values())
