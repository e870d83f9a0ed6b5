"""What contracts do when facts come up: papers of what was signed or ended are kept with the contract."""

from cmdb.events import SiteChecked
from contracts import contractpapers, events, quotechecks, rebilling, repricing
from contracts.models import Contract, ContractAmendment, Termination
from kernel import outbox


@outbox.reaction(events.ContractAmended)
def keep_amendment(event: events.ContractAmended) -> None:
    """Print the amendment and keep it."""
    amendment = ContractAmendment.objects.select_related("contract__account", "quote").get(pk=event.amendment_id)
    contractpapers.keep_amendment(amendment)


@outbox.reaction(events.ContractAmended)
def bill_amendment(event: events.ContractAmended) -> None:
    """What costs another price without any work at the site is billed so from the day of the amendment."""
    rebilling.amended(ContractAmendment.objects.select_related("contract").get(pk=event.amendment_id))


@outbox.reaction(events.ContractEnded)
def stop_billing(event: events.ContractEnded) -> None:
    """What no other contract carries on is billed to its last day."""
    rebilling.stop(Contract.objects.select_related("account").get(pk=event.contract_id))


@outbox.reaction(events.ContractEnded)
def keep_notice(event: events.ContractEnded) -> None:
    """Print the notice of an early end and keep it; a term that ran out needs none."""
    done = Termination.objects.filter(contract=event.contract_id, state=Termination.State.DONE)
    for termination in done.select_related("contract__account", "contract__site", "asked_by"):
        contractpapers.keep_notice(termination)


@outbox.reaction(SiteChecked)
def price_with_answer(event: SiteChecked) -> None:
    """A partner answered: the drafts that waited for it have another build cost and lead time now."""
    quotechecks.answered(check_id=event.check_id)


@outbox.reaction(events.AgreementActivated)
def offer_new_prices(event: events.AgreementActivated) -> None:
    """Work out what the open quotes under older versions would cost now."""
    repricing.offer(event.agreement_id)
