"""Addresses of the index pages."""

from django.urls import path

from indices.views import catalogue, compare, exports, factsheet, formulas, methodology, receipts

app_name = "indices"
urlpatterns = [
    path("", catalogue.home, name="home"),
    path("indices/", catalogue.index_list, name="list"),
    path("indices/compare/", compare.compare, name="compare"),
    path("indices/formulas/", formulas.formulas, name="formulas"),
    path("indices/<slug:slug>/", factsheet.index_detail, name="detail"),
    path("indices/<slug:slug>/export.csv", exports.export, {"form": "csv"}, name="export_csv"),
    path("indices/<slug:slug>/export.json", exports.export, {"form": "json"}, name="export_json"),
    path("indices/<slug:slug>/export.pdf", exports.export, {"form": "pdf"}, name="export_pdf"),
    path("indices/<slug:slug>/method.pdf", exports.method_pdf, name="method_pdf"),
    path("indices/<slug:slug>/receipts/", receipts.receipt_list, name="receipts"),
    path("indices/<slug:slug>/receipts/bundle.zip", receipts.receipt_bundle, name="receipt_bundle"),
    path("indices/<slug:slug>/receipts/<int:sequence>/", receipts.receipt, name="receipt"),
    path("indices/<slug:slug>/receipts/<int:sequence>.json", receipts.receipt_text, name="receipt_text"),
    path("indices/<slug:slug>/method/", methodology.rulebook, name="rulebook"),
    path("how-it-works/", catalogue.method, name="method"),
]
