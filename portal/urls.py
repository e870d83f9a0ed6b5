"""The customer's face: URLs."""

from django.urls import URLPattern

app_name = "portal"
urlpatterns: list[URLPattern] = []
