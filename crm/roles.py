"""Who may do what with leads, opportunities and accounts; where they stand in the frame; how they are found."""

from crm import attention, casework, choosing, finding, pipeline, pointing, qualification  # noqa: F401 – some register themselves
from crm.models import Case, Lead, Opportunity
from kernel import frame, home, moving, roles, states
from kernel.frame import NavItem, NewItem
from kernel.states import Look

SEES_ACCOUNTS = (
    "crm.view_account", "crm.view_site", "crm.view_contact", "crm.view_billingprofile", "crm.view_teammember",
)  # fmt: skip
WRITES_ACCOUNTS = (
    "crm.add_account", "crm.change_account", "crm.add_site", "crm.change_site", "crm.add_contact", "crm.change_contact",
    "crm.add_billingprofile", "crm.change_billingprofile",
)  # fmt: skip
SELLS = (
    "crm.view_lead", "crm.add_lead", "crm.change_lead", "crm.work_lead", "crm.convert_lead",
    "crm.view_leadimport", "crm.add_leadimport",
    "crm.view_opportunity", "crm.add_opportunity", "crm.change_opportunity", "crm.work_opportunity",
)  # fmt: skip

for _role in roles.ROLES:
    if _role != "customer":
        roles.grant(_role, *SEES_ACCOUNTS)
for _role in ("sales_agent", "sales_manager"):
    roles.grant(_role, *WRITES_ACCOUNTS, *SELLS)
roles.grant(
    "sales_manager",
    "crm.reopen_opportunity",
    attention.OVERSEE,
    "crm.change_stage",
    "crm.add_teammember",
    "crm.delete_teammember",
    "crm.merge_account",
)
for _role in ("finance", "order_manager", "order_agent", "service_agent"):
    roles.grant(_role, "crm.view_opportunity")
roles.grant("order_agent", "crm.change_site", "crm.add_contact", "crm.change_contact", "crm.add_billingprofile")
roles.grant("order_manager", "crm.change_site", "crm.add_contact", "crm.change_contact")
roles.grant("service_agent", "crm.add_contact", "crm.change_contact")
roles.grant("finance", "crm.change_account", "crm.set_credit", "crm.add_billingprofile", "crm.change_billingprofile")
for _role in roles.ROLES:
    if _role not in ("customer", "legal", "product_manager"):
        roles.grant(_role, "crm.view_case")
for _role in ("service_agent", "order_manager", "order_agent", "sales_agent", "sales_manager"):
    roles.grant(_role, "crm.add_case")
for _role in ("service_agent", "order_manager"):
    roles.grant(_role, "crm.change_case", "crm.work_case")
roles.grant("customer", "crm.report_case")
for _role in ("process_admin", "sales_manager"):
    roles.grant(_role, "crm.view_partner", "crm.view_partnerrequest", "crm.pair_partner")
for _role in ("order_agent", "order_manager", "sales_agent", "sales_manager"):
    roles.grant(_role, "crm.view_partner", "crm.view_partnerrequest", "crm.send_partnerrequest")
roles.grant("process_admin", "crm.view_stage", "crm.add_stage", "crm.change_stage", "crm.delete_stage")

frame.add(
    NavItem("Sell", "Leads", "user-plus", "crm:lead_list", "crm.view_lead", 10),
    NavItem("Sell", "Opportunities", "target-arrow", "crm:opportunity_list", "crm.view_opportunity", 11),
    NavItem("Sell", "Customers", "building", "crm:account_list", "crm.view_account", 12),
)
frame.add(NavItem("Sell", "Partners", "plug-connected", "crm:partner_list", "crm.view_partner", 60))
frame.add(NavItem("Run", "Cases", "headset", "crm:case_list", "crm.view_case", 30, count=attention.open_cases))
frame.add_new(NewItem("Case", "headset", "crm:case_new", "crm.add_case", 40))
frame.add_new(
    NewItem("Lead", "user-plus", "crm:lead_new", "crm.add_lead", 10),
    NewItem("Opportunity", "target-arrow", "crm:opportunity_new", "crm.add_opportunity", 11),
    NewItem("Customer", "building", "crm:account_new", "crm.add_account", 12),
)

moving.register(
    Lead,
    contact=lambda pk, by, reason: qualification.contact(lead_id=pk, by=by),
    nurture=lambda pk, by, reason: qualification.nurture(lead_id=pk, by=by),
    qualify=lambda pk, by, reason: qualification.qualify(lead_id=pk, by=by),
    disqualify=lambda pk, by, reason: qualification.disqualify(lead_id=pk, because=reason, by=by),
    reopen=lambda pk, by, reason: qualification.reopen(lead_id=pk, by=by),
)
moving.register(
    Case,
    **{
        name: lambda pk, by, reason, name=name: casework.move(case_id=pk, name=name, by=by, because=reason)
        for name in casework.MOVES
    },
)
moving.register(
    Opportunity,
    lose=lambda pk, by, reason: pipeline.lose(opportunity_id=pk, because=reason, by=by),
    reopen=lambda pk, by, reason: pipeline.reopen(opportunity_id=pk, because=reason, by=by),
)
states.add(
    {
        "crm.lead.qualified": Look("circle-check", "Qualified", "run"),
        "crm.lead.contacted": Look("phone", "Contacted", "run"),
        "crm.lead.nurturing": Look("hourglass", "Nurturing", "wait"),
        "crm.case.acknowledged": Look("inbox", "New", "wait"),
        "crm.case.pending": Look("hourglass", "Waits for the customer", "wait"),
        "crm.case.held": Look("player-pause", "On hold", "wait"),
        "major": Look("alert-triangle", "Major", "risk"),
        "minor": Look("circle-dashed", "Minor", "idle"),
        "inProgress": Look("progress", "In progress", "run"),
        "assessingCancellation": Look("hourglass", "Cancellation is checked", "wait"),
        "pendingCancellation": Look("progress", "Being cancelled", "run"),
        "refused": Look("circle-x", "Refused", "bad"),
        "invited": Look("hourglass", "Invited", "wait"),
        "ended": Look("circle-x", "Ended", "idle"),
        "hot": Look("flame", "Hot", "risk"),
        "warm": Look("circle-half-2", "Warm", "idle"),
        "cold": Look("circle-dashed", "Cold", "idle"),
    }
)
home.next_actions("crm.work_lead", attention.leads_to_do)
home.next_actions("crm.work_opportunity", attention.deals_to_do)
home.next_actions("crm.work_case", attention.cases_to_do)
home.figures("crm.work_opportunity", attention.figures, order=10)
home.add(
    home.Block(
        "deals-soon", "Signatures expected", "crm.work_opportunity", attention.signatures, order=20,
        hint="open deals, soonest first", all_url_name="crm:opportunity_board", all_label="Board",
        empty="No open deal. Convert a lead, or open one on a customer’s page.",
    )
)  # fmt: skip
