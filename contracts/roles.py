"""Who may do what with agreements, quotes and contracts; where they stand in the frame; how they are found."""

import contracts.choosing
import contracts.dealroles
import contracts.quoteroles  # noqa: F401 – registers what quotes add
from contracts import agreement, clauses, presenting, rulecases
from contracts.models import Agreement, Clause, Quote
from kernel import frame, moving, paper, roles, tableuse
from kernel.frame import NavItem, NewItem

# ---- agreements, signing, contracts
SEES_DEALS = (
    "contracts.view_agreement", "contracts.view_contract", "contracts.view_proposal", "contracts.view_repriceproposal",
)  # fmt: skip
for _role in (
    "sales_agent", "sales_manager", "finance", "order_agent", "order_manager", "order_approver",
    "order_fulfilment_agent", "fulfilment_manager", "service_agent",
):  # fmt: skip
    roles.grant(_role, *SEES_DEALS)
for _role in ("sales_agent", "sales_manager"):
    roles.grant(
        _role, "contracts.add_agreement", "contracts.negotiate_agreement", "contracts.sign_agreement",
        "contracts.present_quote",
    )  # fmt: skip
for _role in ("sales_agent", "sales_manager", "order_manager", "finance"):
    roles.grant(_role, "contracts.view_termination")
for _role in ("sales_agent", "sales_manager", "order_manager"):
    roles.grant(_role, "contracts.add_termination")
for _role in ("finance", "order_manager", "sales_manager"):
    roles.grant(_role, "contracts.view_billingstart")
roles.grant("sales_manager", "contracts.approve_agreement", "contracts.move_contract")
roles.grant("finance", "contracts.approve_agreement")
roles.grant("order_manager", "contracts.move_contract")
roles.grant(
    "process_admin", "contracts.view_clause", "contracts.add_clause", "contracts.change_clause",
    "contracts.view_provider", "contracts.add_provider", "contracts.change_provider", "contracts.view_consenttext",
    "contracts.add_consenttext",
)  # fmt: skip
WRITES_CLAUSES = ("contracts.view_clause", "contracts.add_clause", "contracts.change_clause")
roles.grant(
    "legal", *SEES_DEALS, *WRITES_CLAUSES, "contracts.approve_clause", "contracts.approve_agreement",
    "contracts.negotiate_agreement", "crm.view_account",
)  # fmt: skip
for _role in ("sales_agent", "sales_manager"):
    roles.grant(_role, "contracts.view_clause")

frame.add(
    NavItem("Sell", "Clause library", "book", "contracts:clause_list", "contracts.view_clause", 17),
    NavItem("Sell", "Agreements", "heart-handshake", "contracts:agreement_list", "contracts.view_agreement", 15),
    NavItem("Sell", "Contracts", "certificate", "contracts:contract_list", "contracts.view_contract", 16),
    NavItem("Sell", "Charges", "receipt", "contracts:charge_list", "contracts.view_billingstart", 18),
)
frame.add_new(NewItem("Agreement", "heart-handshake", "contracts:agreement_new", "contracts.add_agreement", 15))

moving.register(Clause, approve=lambda pk, by, reason: clauses.approve(clause_id=pk, by=by, reason=reason))
moving.register(
    Agreement,
    submit=lambda pk, by, reason: agreement.submitted(agreement_id=pk, by=by, note=reason),
    approve=lambda pk, by, reason: agreement.decide(agreement_id=pk, by=by, approve=True, reason=reason),
    reject=lambda pk, by, reason: agreement.decide(agreement_id=pk, by=by, approve=False, reason=reason),
)
moving.register(
    Quote,
    present=lambda pk, by, reason: presenting.present_to_signatory(quote_id=pk, by=by),
    decline=lambda pk, by, reason: presenting.withdraw(quote_id=pk, by=by, reason=reason),
)
tableuse.add(*rulecases.USES)
paper.use("contracts.printing.pdf")
