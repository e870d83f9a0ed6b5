"""Facts that customers' records announce."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LeadConverted:
    """A lead became an account with an opportunity."""

    lead_id: int
    account_id: int
    opportunity_id: int


@dataclass(frozen=True)
class OpportunityClosed:
    """An opportunity was won or lost."""

    opportunity_id: int
    state: str


@dataclass(frozen=True)
class AccountsMerged:
    """Two records of one customer became one; everything of `merged_id` belongs to `account_id` now."""

    account_id: int
    merged_id: int
