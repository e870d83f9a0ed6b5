"""The inventory: URLs."""

from django.urls import URLPattern, path

from cmdb.views import lists, pages

app_name = "cmdb"
urlpatterns: list[URLPattern] = [
    path("inventory/", lists.products, name="product_list"),
    path("inventory/services/", lists.services, name="service_list"),
    path("inventory/resources/", lists.resources, name="resource_list"),
    path("inventory/of-account/<int:pk>/", lists.of_account, name="of_account"),
    path("inventory/products/<str:number>/", pages.product, name="product"),
    path("inventory/services/<str:number>/", pages.service, name="service"),
    path("inventory/resources/<str:number>/", pages.resource, name="resource"),
]
