"""The fallout desk: URLs."""

from django.urls import URLPattern, path

from fallout.views import desk, every, many, overview, record, runbook

app_name = "fallout"
urlpatterns: list[URLPattern] = [
    path("fallout/", desk.desk, name="fallout_list"),
    path("fallout/list/", every.every, name="fallout_every"),
    path("fallout/overview/", overview.page, name="overview"),
    path("fallout/runbooks/", runbook.listing, name="runbook_list"),
    path("fallout/runbooks/new/", runbook.begin, name="runbook_begin"),
    path("fallout/runbooks/<slug:key>/", runbook.page, name="runbook"),
    path("fallout/runbooks/<slug:key>/discard/", runbook.discard, name="runbook_discard"),
    path("fallout/many/", many.preview, name="many_preview"),
    path("fallout/many/run/", many.run, name="many_run"),
    path("fallout/of-task/<str:number>/", record.of_task, name="of_task"),
    path("fallout/of-order/<str:number>/", record.of_order, name="of_order"),
    path("fallout/<str:number>/", record.page, name="record"),
    path("fallout/<str:number>/line/", record.line_scope, name="line_scope"),
    path("fallout/<str:number>/runbook/", runbook.new, name="runbook_new"),
    path("fallout/<str:number>/<slug:name>/", record.act, name="fallout_move"),
]
