"""Agreements, quotes, contracts, signing: URLs."""

from django.urls import URLPattern

app_name = "contracts"
quote_urls: list[URLPattern] = []
urlpatterns: list[URLPattern] = [*quote_urls]
