"""The customer's face: URLs."""

from django.urls import URLPattern, path

from portal.views import company, orders, quotes, shopping, things

app_name = "portal"
urlpatterns: list[URLPattern] = [
    path("", orders.home, name="home"),
    path("orders/", orders.every, name="order_list"),
    path("orders/<str:number>/", orders.order, name="order"),
    path("orders/<str:number>/sites.csv", orders.table, name="order_table"),
    path("catalogue/", shopping.catalogue, name="catalogue"),
    path("catalogue/<slug:key>/", shopping.offering, name="offering"),
    path("basket/", shopping.cart, name="cart"),
    path("basket/term/", shopping.term, name="cart_term"),
    path("basket/<int:pk>/out/", shopping.take_out, name="cart_out"),
    path("services/", things.services, name="service_list"),
    path("services/<str:number>/", things.service, name="service"),
    path("quotes/", quotes.every, name="quote_list"),
    path("quotes/<str:number>/<int:version>/", quotes.one, name="quote"),
    path("documents/", things.documents, name="document_list"),
    path("company/", company.people, name="people"),
    path("company/invite/", company.invite, name="invite"),
    path("company/<int:pk>/role/", company.role, name="person_role"),
    path("company/<int:pk>/in/", company.let_in, name="person_in"),
    path("company/<int:pk>/out/", company.shut_out, name="person_out"),
    path("sign/<int:pk>/", things.sign, name="sign"),
]
