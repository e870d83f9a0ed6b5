"""Facts that commercial records announce."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AgreementActivated:
    """Both sides signed an agreement; its terms and prices hold."""

    agreement_id: int


@dataclass(frozen=True)
class QuotePresented:
    """A customer was given a quote."""

    quote_id: int


@dataclass(frozen=True)
class QuoteAccepted:
    """A customer signed a quote; its contracts exist."""

    quote_id: int
    contract_id: int


@dataclass(frozen=True)
class ServiceContractStarted:
    """A site went live; its service contract and entitlements are in force."""

    contract_id: int


@dataclass(frozen=True)
class BillingStarted:
    """A product is billed from now on."""

    billing_start_id: int


@dataclass(frozen=True)
class ContractEnded:
    """A contract ended; `on` is its last day as YYYY-MM-DD. What no other contract carries on is to be switched off."""

    contract_id: int
    on: str


@dataclass(frozen=True)
class ContractAmended:
    """A signed quote changed a contract in force."""

    contract_id: int
    amendment_id: int
