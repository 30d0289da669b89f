"""The account's addresses under /api/v1/."""

from django.urls import path

from portfolios.api.account import HoldingsView, MeView
from portfolios.api.custom import (
    CustomIndexShareView,
    CustomIndexView,
    CustomIndicesView,
    SharedIndexView,
)
from portfolios.api.orders import OrdersView, OrderView
from portfolios.api.payments import DepositsView, WithdrawalsView
from portfolios.api.plans import PlansView, SubscriptionView

urlpatterns = [
    path("me/", MeView.as_view(), name="me"),
    path("holdings/", HoldingsView.as_view(), name="holdings"),
    path("custom-indices/", CustomIndicesView.as_view(), name="custom-indices"),
    path("custom-indices/<slug:slug>/", CustomIndexView.as_view(), name="custom-index"),
    path("custom-indices/<slug:slug>/share/", CustomIndexShareView.as_view(), name="custom-index-share"),
    path("shared-indices/<str:token>/", SharedIndexView.as_view(), name="shared-index"),
    path("deposits/", DepositsView.as_view(), name="deposits"),
    path("withdrawals/", WithdrawalsView.as_view(), name="withdrawals"),
    path("orders/", OrdersView.as_view(), name="orders"),
    path("orders/<uuid:id>/", OrderView.as_view(), name="order"),
    path("plans/", PlansView.as_view(), name="plans"),
    path("subscription/", SubscriptionView.as_view(), name="subscription"),
]
