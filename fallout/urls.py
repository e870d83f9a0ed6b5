"""The fallout desk: URLs."""

from django.urls import URLPattern

app_name = "fallout"
urlpatterns: list[URLPattern] = []
