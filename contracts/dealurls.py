"""URLs of agreements, signing and contracts."""

from django.urls import URLPattern, path

from contracts.views import agreements, contracts, panels, signing

patterns: list[URLPattern] = [
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
    path("quotes/<str:number>/v<int:version>/offer.pdf", signing.quote_pdf, name="quote_pdf"),
    path("signing/<str:label>/<int:pk>/", signing.panel, name="signature"),
    path("signing/<str:label>/<int:pk>/send/", signing.present, name="signing_send"),
    path("signing/<str:label>/<int:pk>/paper/", signing.paper, name="signing_paper"),
    path("sign/<str:token>/", signing.page, name="sign"),
    path("sign/<str:token>/document.pdf", signing.document, name="sign_document"),
    path("sign/<str:token>/decline/", signing.decline, name="sign_decline"),
    path("panels/account/<int:pk>/deals/", panels.of_account, name="of_account"),
]
