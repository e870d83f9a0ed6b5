"""Agreements, quotes, contracts, signing: URLs."""

from django.urls import URLPattern, path

from contracts.views import quotes

app_name = "contracts"
quote_urls: list[URLPattern] = [
    path("quotes/<str:number>/v<int:version>/", quotes.page, name="quote"),
]
urlpatterns: list[URLPattern] = [*quote_urls]
