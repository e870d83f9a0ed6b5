"""Roles: who may do what with orders."""

from kernel import roles

READERS = (
    "sales_agent", "sales_manager", "order_agent", "order_manager", "order_approver", "finance",
    "order_fulfilment_agent", "fulfilment_manager", "fallout_agent", "fallout_manager", "process_admin",
    "service_agent", "technician",
)  # fmt: skip
VIEW = ("orders.view_order", "orders.view_orderline", "orders.view_domainorder", "crm.view_account", "crm.view_site")

for _role in READERS:
    roles.grant(_role, *VIEW)
roles.grant("sales_agent", "orders.add_order")
roles.grant("sales_manager", "orders.add_order")
roles.grant("order_agent", "orders.add_order", "orders.change_order", "orders.submit_order")
roles.grant(
    "order_manager", "orders.add_order", "orders.change_order", "orders.submit_order", "orders.steer_order",
    "orders.enrich_order",
)  # fmt: skip
roles.grant("order_fulfilment_agent", "orders.enrich_order", "orders.change_order")
roles.grant("fulfilment_manager", "orders.enrich_order", "orders.change_order", "orders.steer_order")
roles.grant("order_approver", "orders.approve_order")
roles.grant("finance", "orders.approve_order")
