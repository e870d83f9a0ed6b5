"""Contract papers: a contract, an amendment and the notice of an early end as PDF, printed when they are asked for."""

from contracts import agreementcontent, printing, quotecontent
from contracts.models import Contract, ContractAmendment, ServiceLevel, Termination
from kernel import documents
from kernel.models import Document

SCHEDULED = 300  # lines up to which each is printed; a longer contract shows the sums of its sites
AMENDMENT, NOTICE = "contract_amendment", "termination_notice"


def contract_pdf(contract: Contract) -> bytes:
    """The contract as it stands: parties, term, what happens at its end, service levels, sites and prices."""
    lines = [pair for pair in quotecontent.contract_lines(contract) if pair[0].ended_on is None]
    levels = ServiceLevel.objects.filter(contract=contract).order_by("metric")
    if contract.kind == Contract.Kind.SALES and contract.agreement:
        promised = [(sla.metric, sla.value) for sla in contract.agreement.slas.order_by("metric")]
    else:
        promised = [(level.metric, level.value) for level in levels]
    context = {
        "contract": contract,
        "lines": lines if len(lines) <= SCHEDULED else [],
        "sites": list(contract.service_contracts.exclude(state="cancelled").select_related("site").order_by("pk")),
        "levels": [agreementcontent.level(metric, value) for metric, value in promised],
        "entitlements": list(contract.entitlements.select_related("offering")),
        "amendments": list(contract.amendments.all()),
    }
    return printing.pdf("pdf/contract.html", context, title=f"Contract {contract.number}, {contract.account.name}")


def amendment_pdf(amendment: ContractAmendment) -> bytes:
    """What one amendment changed, line by line."""
    title = f"Amendment {amendment.number} of {amendment.contract.number}"
    return printing.pdf("pdf/amendment.html", {"amendment": amendment, "contract": amendment.contract}, title=title)


def notice_pdf(termination: Termination) -> bytes:
    """The notice: what ends when, and how the charge is worked out, line by line."""
    context = {"termination": termination, "contract": termination.contract}
    return printing.pdf("pdf/termination.html", context, title=f"End of contract {termination.contract.number}")


def keep_amendment(amendment: ContractAmendment) -> Document:
    """Store the amendment's PDF with the contract, once."""
    name = f"{amendment.contract.number}-amendment-{amendment.number}.pdf"
    return _kept(amendment.contract, AMENDMENT, name) or _keep(
        amendment.contract, AMENDMENT, name, amendment_pdf(amendment)
    )


def keep_notice(termination: Termination) -> Document:
    """Store the notice with the contract, once."""
    name = f"{termination.contract.number}-{termination.number}.pdf"
    return _kept(termination.contract, NOTICE, name) or _keep(
        termination.contract, NOTICE, name, notice_pdf(termination)
    )


def _kept(contract: Contract, kind: str, name: str) -> Document | None:
    return documents.of(contract).filter(kind=kind, name=name).first()


def _keep(contract: Contract, kind: str, name: str, content: bytes) -> Document:
    return documents.store(
        contract, kind=kind, name=name, content=content, content_type="application/pdf", by=None, customer_may_see=True
    )
