"""Orders: URLs."""

from django.urls import URLPattern, path

from orders.views import acts, ending, flows, jeopardy, orchestration, orders, page, pausing, rehearsal, steering, why

app_name = "orders"
FLOW = "process/flows/<str:key>/<int:version>/"
urlpatterns: list[URLPattern] = [
    path("orders/", orders.orders, name="order_list"),
    path("orders/new/", acts.new, name="new"),
    path("orders/jeopardy/", jeopardy.listing, name="jeopardy_list"),
    path("process/jeopardy/", jeopardy.rules, name="jeopardy_rules"),
    path("orders/mine/", orders.mine, name="mine"),
    path("orders/of-account/<str:number>/", orders.of_account, name="of_account"),
    path("orders/of-contract/<str:number>/", orders.of_contract, name="of_contract"),
    path("orders/of-quote/<int:pk>/", orders.of_quote, name="of_quote"),
    path("orders/from-quote/<int:pk>/", acts.from_quote, name="from_quote"),
    path("orders/why/<str:number>/", why.panel, name="why"),
    path("orders/part/<str:number>/hold/", pausing.hold, name="hold_part"),
    path("orders/part/<str:number>/resume/", pausing.resume, name="resume_part"),
    path("orders/rehearsal/together/", rehearsal.pairing, name="pairing_trial"),
    path("orders/rehearsal/<int:pk>/", rehearsal.panel, name="rehearsal"),
    path("process/flows/", flows.listing, name="flow_list"),
    path("process/flows/new/", flows.new, name="flow_new"),
    path(FLOW, flows.steps, name="flow"),
    path(f"{FLOW}try/", flows.trial, name="flow_trial"),
    path(f"{FLOW}versions/", flows.versions, name="flow_versions"),
    path(f"{FLOW}describe/", flows.describe, name="flow_describe"),
    path(f"{FLOW}step/", flows.step, name="flow_step"),
    path(f"{FLOW}arrange/", flows.arrange, name="flow_arrange"),
    path(f"{FLOW}revise/", flows.revise, name="flow_revise"),
    path(f"{FLOW}discard/", flows.discard, name="flow_discard"),
    path(f"{FLOW}publish/", flows.publish, name="flow_publish"),
    path(f"{FLOW}retire/", flows.retire, name="flow_retire"),
    path("orders/<str:number>/", page.order, name="order"),
    path("orders/<str:number>/tree/", page.tree, name="tree"),
    path("orders/<str:number>/graph/", orchestration.graph, name="graph"),
    path("orders/<str:number>/timeline/", orchestration.timeline_page, name="timeline"),
    path("orders/<str:number>/reopen/", steering.reopen, name="reopen_quote"),
    path("orders/<str:number>/promise/", steering.redate, name="redate"),
    path("orders/<str:number>/priority/", steering.prioritise, name="prioritise"),
    path("orders/<str:number>/task/<str:task>/", steering.task, name="task"),
    path("orders/<str:number>/tasks/", orchestration.tasks, name="tasks"),
    path("orders/<str:number>/lines/", page.lines, name="lines"),
    path("orders/<str:number>/values/", page.values, name="values"),
    path("orders/<str:number>/edit/", acts.edit, name="edit"),
    path("orders/<str:number>/submit/", acts.submit, name="submit"),
    path("orders/<str:number>/supply/", acts.supply, name="supply"),
    path("orders/<str:number>/lines/add/", acts.add_line, name="add_line"),
    path("orders/<str:number>/lines/<int:pk>/configure/", acts.configure_line, name="configure_line"),
    path("orders/<str:number>/lines/<int:pk>/ending/", ending.page, name="ending"),
    path("orders/<str:number>/lines/<int:pk>/remove/", acts.remove_line, name="remove_line"),
]
