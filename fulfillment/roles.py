"""Who may do what with tasks, projects and plans; where they stand in the frame."""

from kernel import roles

SEES = ("fulfillment.view_flow", "fulfillment.view_task", "fulfillment.view_project", "fulfillment.view_workorder")
READS_PLANS = ("fulfillment.view_plandefinition", "fulfillment.view_planitem")

for _role in (
    "order_agent", "order_fulfilment_agent", "order_manager", "order_approver", "fulfilment_manager", "fallout_agent",
    "fallout_manager", "process_admin", "service_agent",
):  # fmt: skip
    roles.grant(_role, *SEES)
for _role in ("order_fulfilment_agent", "fulfilment_manager", "technician"):
    roles.grant(_role, "fulfillment.view_task", "fulfillment.view_workorder", "fulfillment.work_task")
for _role in ("order_fulfilment_agent", "fulfilment_manager"):
    roles.grant(_role, "fulfillment.run_project", "fulfillment.skip_task", "fulfillment.hold_flow", *READS_PLANS)
roles.grant("fulfilment_manager", "fulfillment.assign_task", "fulfillment.change_project")
roles.grant("order_manager", "fulfillment.hold_flow", *READS_PLANS)
roles.grant(
    "process_admin", *READS_PLANS, "fulfillment.publish_plan", "fulfillment.add_plandefinition",
    "fulfillment.change_plandefinition", "fulfillment.add_planitem", "fulfillment.change_planitem",
    "fulfillment.delete_planitem", "fulfillment.view_plandependency", "fulfillment.add_plandependency",
    "fulfillment.change_plandependency", "fulfillment.delete_plandependency", "fulfillment.view_projecttemplate",
    "fulfillment.add_projecttemplate", "fulfillment.change_projecttemplate",
)  # fmt: skip
