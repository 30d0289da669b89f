"""Addresses of the index pages."""

from django.urls import path

from indices import views

app_name = "indices"
urlpatterns = [
    path("", views.home, name="home"),
    path("indices/", views.index_list, name="list"),
    path("indices/<slug:slug>/", views.index_detail, name="detail"),
    path("indices/<slug:slug>/method/", views.rulebook, name="rulebook"),
    path("how-it-works/", views.method, name="method"),
]
