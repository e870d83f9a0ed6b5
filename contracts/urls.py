"""Agreements, quotes, contracts, signing: URLs."""

from django.urls import URLPattern, path

from contracts.dealurls import patterns as deal_urls
from contracts.views import quoteacts, quotelines, quotes

app_name = "contracts"
quote_urls: list[URLPattern] = [
    path("quotes/", quotes.listing, name="quote_list"),
    path("quotes/new/", quotes.new, name="quote_new"),
    path("quotes/of-opportunity/<int:pk>/", quotes.of_opportunity, name="of_opportunity"),
    path("quotes/<str:number>/", quotes.latest, name="quote_latest"),
    path("quotes/<str:number>/v<int:version>/", quotes.page, name="quote"),
    path("quotes/<str:number>/v<int:version>/lines/", quotelines.add, name="quote_add"),
    path("quotes/<str:number>/v<int:version>/lines/remove/", quotelines.remove, name="quote_remove"),
    path("quotes/<str:number>/v<int:version>/lines/<int:line_id>/", quotelines.panel, name="quote_line"),
    path("quotes/<str:number>/v<int:version>/lines/<int:line_id>/save/", quotelines.configure, name="quote_configure"),
    path("quotes/<str:number>/v<int:version>/lines/<int:line_id>/copy/", quotelines.copy, name="quote_copy"),
    path("quotes/<str:number>/v<int:version>/discount/", quotelines.discount, name="quote_discount"),
    path("quotes/<str:number>/v<int:version>/terms/", quoteacts.terms, name="quote_terms"),
    path("quotes/<str:number>/v<int:version>/check/", quoteacts.check, name="quote_check"),
    path("quotes/<str:number>/v<int:version>/submit/", quoteacts.submit, name="quote_submit"),
    path("quotes/<str:number>/v<int:version>/next/", quoteacts.version, name="quote_version"),
    path("quotes/<str:number>/v<int:version>/against/<int:other>/", quoteacts.compare, name="quote_compare"),
    path("quotes/<str:number>/v<int:version>/import/", quoteacts.take_file, name="quote_import"),
]
urlpatterns: list[URLPattern] = [*deal_urls, *quote_urls]
