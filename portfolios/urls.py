"""Addresses of the pages about a person's money."""

from django.urls import path

from portfolios.views import building, custom, investing, keys, money, overview, plans

app_name = "portfolios"
urlpatterns = [
    path("dashboard/", overview.dashboard, name="dashboard"),
    path("activity/", overview.activity, name="activity"),
    path("invest/<slug:slug>/", investing.invest, name="invest"),
    path("redeem/<slug:slug>/", investing.redeem, name="redeem"),
    path("orders/<uuid:order_id>/", investing.order, name="order"),
    path("orders/<uuid:order_id>/cancel/", investing.order_cancel, name="order_cancel"),
    path("build/", building.bases, name="build"),
    path("build/<slug:slug>/", building.editor, name="build_from"),
    path("my-indices/", custom.mine, name="custom_indices"),
    path("my-indices/<slug:slug>/", custom.own, name="custom_index"),
    path("my-indices/<slug:slug>/edit/", building.change, name="custom_edit"),
    path("my-indices/<slug:slug>/share/", custom.share, name="custom_share"),
    path("my-indices/<slug:slug>/unshare/", custom.unshare, name="custom_unshare"),
    path("my-indices/<slug:slug>/archive/", custom.archive, name="custom_archive"),
    path("i/<str:token>/", custom.shared, name="shared_index"),
    path("money/", money.money, name="money"),
    path("money/deposit/", money.deposit, name="deposit"),
    path("money/withdraw/", money.withdraw, name="withdraw"),
    path("plans/", plans.plans, name="plans"),
    path("plans/change/", plans.plan_change, name="plan_change"),
    path("plans/cancel/", plans.plan_cancel, name="plan_cancel"),
    path("plans/resume/", plans.plan_resume, name="plan_resume"),
    path("keys/", keys.keys, name="keys"),
    path("keys/<int:key_id>/revoke/", keys.key_revoke, name="key_revoke"),
]
