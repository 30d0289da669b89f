"""The page about USDC: where to send it, and what has arrived."""

from decimal import Decimal

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portfolios.errors import MoneyError
from portfolios.selectors.usdc import usdc_address, usdc_enabled, usdc_transfers
from portfolios.services import usdc
from portfolios.views.visitors import person


@login_required
@require_safe
def usdc_page(request: HttpRequest) -> HttpResponse:
    """The person's address, if they have one, and their transfers."""
    return _page(request)


@login_required
@require_POST
def usdc_address_ask(request: HttpRequest) -> HttpResponse:
    """An address of their own, given once and kept."""
    try:
        usdc.address_assign(person(request))
    except MoneyError as error:
        return _page(request, error=error.message, status=503)
    return redirect("portfolios:usdc")


def _page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    user = person(request)
    context = {
        "enabled": usdc_enabled(),
        "address": usdc_address(user),
        "transfers": usdc_transfers(user),
        "confirmations": settings.USDC_CONFIRMATIONS,
        "minimum": Decimal(settings.USDC_MINIMUM),
        "contract": settings.USDC_CONTRACT,
        "chain": CHAINS.get(settings.USDC_CHAIN_ID, f"chain {settings.USDC_CHAIN_ID}"),
        "error": error,
    }
    return render(request, "portfolios/usdc.html", context, status=status)


CHAINS = {
    1: "Ethereum",
    11155111: "Sepolia (a test network)",
    8453: "Base",
    42161: "Arbitrum One",
    10: "OP Mainnet",
}
