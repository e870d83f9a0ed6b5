"""Tasks, projects, plans, callbacks: URLs."""

from django.urls import URLPattern, path

from fulfillment.views import callbacks

app_name = "fulfillment"
urlpatterns: list[URLPattern] = [
    path("callbacks/<slug:system>/", callbacks.callback, name="callback"),
]
