"""The fallout desk: URLs."""

from django.urls import URLPattern, path

from fallout.views import desk, many, record

app_name = "fallout"
urlpatterns: list[URLPattern] = [
    path("fallout/", desk.desk, name="fallout_list"),
    path("fallout/list/", desk.every, name="fallout_every"),
    path("fallout/many/", many.preview, name="many_preview"),
    path("fallout/many/run/", many.run, name="many_run"),
    path("fallout/of-task/<str:number>/", record.of_task, name="of_task"),
    path("fallout/<str:number>/", record.page, name="record"),
    path("fallout/<str:number>/<slug:name>/", record.act, name="fallout_move"),
]
