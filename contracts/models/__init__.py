"""Tables of commercial promises."""

from contracts.models.agreements import (
    Agreement,
    AgreementDiscount,
    AgreementPrice,
    AgreementSla,
    AgreementTerm,
    Clause,
    NegotiationRound,
    PartnerTerm,
)
from contracts.models.changes import BillingChange, BillingPause, ContractAmendment, ContractCharge, Termination
from contracts.models.contracts import (
    BillingStart,
    Contract,
    ContractLine,
    Entitlement,
    ServiceLevel,
    SignatureRequest,
)
from contracts.models.printing import PrintRun
from contracts.models.proposals import Proposal, RepriceProposal
from contracts.models.provider import Provider
from contracts.models.quotes import LinePrice, Quote, QuoteLine
from contracts.models.sheets import SheetImport
from contracts.models.signing import ConsentText, PaperCopy, Signatory, SigningLink

__all__ = [
    "Agreement",
    "AgreementDiscount",
    "AgreementPrice",
    "AgreementSla",
    "AgreementTerm",
    "BillingChange",
    "BillingPause",
    "BillingStart",
    "Clause",
    "ConsentText",
    "Contract",
    "ContractAmendment",
    "ContractCharge",
    "ContractLine",
    "Entitlement",
    "LinePrice",
    "NegotiationRound",
    "PaperCopy",
    "PartnerTerm",
    "PrintRun",
    "Proposal",
    "Provider",
    "Quote",
    "QuoteLine",
    "RepriceProposal",
    "ServiceLevel",
    "SheetImport",
    "Signatory",
    "SignatureRequest",
    "SigningLink",
    "Termination",
]
