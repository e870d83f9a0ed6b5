"""Orders: URLs."""

from django.urls import URLPattern, path

from orders.views import acts, jeopardy, orchestration, orders, page, rehearsal, steering, why

app_name = "orders"
urlpatterns: list[URLPattern] = [
    path("orders/", orders.orders, name="order_list"),
    path("orders/new/", acts.new, name="new"),
    path("orders/jeopardy/", jeopardy.listing, name="jeopardy_list"),
    path("orders/mine/", orders.mine, name="mine"),
    path("orders/of-account/<str:number>/", orders.of_account, name="of_account"),
    path("orders/of-quote/<int:pk>/", orders.of_quote, name="of_quote"),
    path("orders/from-quote/<int:pk>/", acts.from_quote, name="from_quote"),
    path("orders/why/<str:number>/", why.panel, name="why"),
    path("orders/rehearsal/<int:pk>/", rehearsal.panel, name="rehearsal"),
    path("orders/<str:number>/", page.order, name="order"),
    path("orders/<str:number>/tree/", page.tree, name="tree"),
    path("orders/<str:number>/graph/", orchestration.graph, name="graph"),
    path("orders/<str:number>/timeline/", orchestration.timeline_page, name="timeline"),
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
    path("orders/<str:number>/lines/<int:pk>/remove/", acts.remove_line, name="remove_line"),
]
