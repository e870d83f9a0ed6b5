"""Agreements, quotes, contracts, signing: URLs."""

from django.urls import URLPattern, path

from contracts.views import agreements, contracts, panels, printing, quoteacts, quotelines, quotes, sheets, signing

app_name = "contracts"
deal_urls: list[URLPattern] = [
    path("agreements/", agreements.listing, name="agreement_list"),
    path("agreements/new/", agreements.new, name="agreement_new"),
    path("agreements/<str:number>/", agreements.latest, name="agreement_latest"),
    path("agreements/<str:number>/v<int:version>/", agreements.record, name="agreement"),
    path("agreements/<str:number>/v<int:version>/edit/", agreements.edit, name="agreement_edit"),
    path("agreements/<str:number>/v<int:version>/amend/", agreements.amend, name="agreement_amend"),
    path("agreements/<str:number>/v<int:version>/preview.pdf", agreements.pdf, name="agreement_pdf"),
    path("agreements/<str:number>/v<int:version>/<slug:part>/", agreements.part, name="agreement_part"),
    path("contracts/", contracts.listing, name="contract_list"),
    path("contracts/<str:number>/", contracts.record, name="contract"),
    path("contracts/<str:number>/tighten/", contracts.tighten, name="contract_tighten"),
    path("quotes/<str:number>/v<int:version>/offer.pdf", printing.quote_pdf, name="quote_pdf"),
    path("quotes/<str:number>/v<int:version>/printing/", printing.progress, name="quote_printing"),
    path("signing/<str:label>/<int:pk>/", signing.panel, name="signature"),
    path("signing/<str:label>/<int:pk>/send/", signing.present, name="signing_send"),
    path("signing/<str:label>/<int:pk>/paper/", signing.paper, name="signing_paper"),
    path("sign/<str:token>/", signing.page, name="sign"),
    path("sign/<str:token>/document.pdf", signing.document, name="sign_document"),
    path("sign/<str:token>/decline/", signing.decline, name="sign_decline"),
    path("panels/account/<int:pk>/deals/", panels.of_account, name="of_account"),
]
quote_urls: list[URLPattern] = [
    path("quotes/", quotes.listing, name="quote_list"),
    path("quotes/new/", quotes.new, name="quote_new"),
    path("quotes/of-opportunity/<int:pk>/", quotes.of_opportunity, name="of_opportunity"),
    path("quotes/<str:number>/", quotes.latest, name="quote_latest"),
    path("quotes/<str:number>/v<int:version>/", quotes.page, name="quote"),
    path("quotes/<str:number>/v<int:version>/rows/", quotes.rows, name="quote_rows"),
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
    path("quotes/<str:number>/v<int:version>/import/", sheets.upload, name="quote_import"),
    path("quotes/<str:number>/v<int:version>/import/<int:sheet_id>/", sheets.page, name="quote_sheet"),
    path("quotes/<str:number>/v<int:version>/import/<int:sheet_id>/refused.csv", sheets.refused, name="quote_refused"),
]
urlpatterns: list[URLPattern] = [*deal_urls, *quote_urls]
