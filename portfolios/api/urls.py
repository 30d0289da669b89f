"""The account's addresses under /api/v1/."""

from django.urls import path

from portfolios.api.account import HoldingsView, MeView
from portfolios.api.activity import ActivityView
from portfolios.api.custom import (
    CustomIndexShareView,
    CustomIndexView,
    CustomIndicesView,
    SharedIndexView,
)
from portfolios.api.destinations import DestinationsView, DestinationView
from portfolios.api.fees import FeesView
from portfolios.api.notices import NoticePreferencesView, NoticeReadView, NoticesView
from portfolios.api.orders import OrdersView, OrderView
from portfolios.api.payments import DepositsView, DepositView, WithdrawalsView, WithdrawalView
from portfolios.api.performance import PerformanceView
from portfolios.api.personal import PersonalOrdersView, PersonalsView, PersonalView
from portfolios.api.plans import PlansView, SubscriptionView
from portfolios.api.previews import OrderPreviewView
from portfolios.api.recurring import RecurringPlansView, RecurringPlanView
from portfolios.api.reserves import ReserveProofView, ReservesView
from portfolios.api.statements import StatementsView, StatementView
from portfolios.api.switches import SwitchesView, SwitchView
from portfolios.api.taxes import OrderLotsView, TaxYearView
from portfolios.api.usdc import UsdcView

urlpatterns = [
    path("me/", MeView.as_view(), name="me"),
    path("holdings/", HoldingsView.as_view(), name="holdings"),
    path("performance/", PerformanceView.as_view(), name="performance"),
    path("fees/", FeesView.as_view(), name="fees"),
    path("custom-indices/", CustomIndicesView.as_view(), name="custom-indices"),
    path("custom-indices/<slug:slug>/", CustomIndexView.as_view(), name="custom-index"),
    path("custom-indices/<slug:slug>/share/", CustomIndexShareView.as_view(), name="custom-index-share"),
    path("shared-indices/<str:token>/", SharedIndexView.as_view(), name="shared-index"),
    path("deposits/", DepositsView.as_view(), name="deposits"),
    path("deposits/<uuid:id>/", DepositView.as_view(), name="deposit"),
    path("withdrawals/", WithdrawalsView.as_view(), name="withdrawals"),
    path("withdrawals/<uuid:id>/", WithdrawalView.as_view(), name="withdrawal"),
    path("withdrawal-destinations/", DestinationsView.as_view(), name="destinations"),
    path("withdrawal-destinations/<uuid:id>/", DestinationView.as_view(), name="destination"),
    path("orders/", OrdersView.as_view(), name="orders"),
    path("orders/preview/", OrderPreviewView.as_view(), name="order-preview"),
    path("orders/<uuid:id>/", OrderView.as_view(), name="order"),
    path("switches/", SwitchesView.as_view(), name="switches"),
    path("switches/<uuid:id>/", SwitchView.as_view(), name="switch"),
    path("recurring/", RecurringPlansView.as_view(), name="recurring"),
    path("recurring/<uuid:id>/", RecurringPlanView.as_view(), name="recurring-plan"),
    path("notices/", NoticesView.as_view(), name="notices"),
    path("notices/preferences/", NoticePreferencesView.as_view(), name="notice-preferences"),
    path("notices/<int:id>/read/", NoticeReadView.as_view(), name="notice-read"),
    path("orders/<uuid:id>/lots/", OrderLotsView.as_view(), name="order-lots"),
    path("activity/", ActivityView.as_view(), name="activity"),
    path("statements/", StatementsView.as_view(), name="statements"),
    path("statements/<str:month>/", StatementView.as_view(), name="statement"),
    path("taxes/<int:year>/", TaxYearView.as_view(), name="tax-year"),
    path("usdc/", UsdcView.as_view(), name="usdc"),
    path("reserves/", ReservesView.as_view(), name="reserves"),
    path("reserves/proof/", ReserveProofView.as_view(), name="reserves-proof"),
    path("personal/", PersonalsView.as_view(), name="personals"),
    path("personal/<int:id>/", PersonalView.as_view(), name="personal"),
    path("personal/<int:id>/orders/", PersonalOrdersView.as_view(), name="personal-orders"),
    path("plans/", PlansView.as_view(), name="plans"),
    path("subscription/", SubscriptionView.as_view(), name="subscription"),
]
