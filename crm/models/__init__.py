"""Tables of customers and the pipeline."""

from crm.models.accounts import (
    Account,
    AccountQuerySet,
    BillingProfile,
    Contact,
    OfAccountQuerySet,
    Site,
    TeamMember,
)
from crm.models.cases import Case
from crm.models.imports import LeadImport
from crm.models.partners import Partner, PartnerOffering, PartnerRequest
from crm.models.pipeline import Lead, LeadLine, Opportunity, OpportunityLine, Stage

__all__ = [
    "Account",
    "AccountQuerySet",
    "BillingProfile",
    "Case",
    "Contact",
    "Lead",
    "LeadImport",
    "LeadLine",
    "OfAccountQuerySet",
    "Opportunity",
    "OpportunityLine",
    "Partner",
    "PartnerOffering",
    "PartnerRequest",
    "Site",
    "Stage",
    "TeamMember",
]
