"""`manage.py venue_connect`: an account at an exchange that orders may go to."""

import getpass
import os
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.models import User, VenueAccount
from portfolios.services import venues
from portfolios.services.vault import VaultClosed


class Command(BaseCommand):
    """Nothing is stored unless the key can trade and cannot withdraw, and at least one market is one of our tokens."""

    help = (
        "Connect an account at an exchange. Key and secret come from VENUE_KEY, VENUE_SECRET, VENUE_PASSWORD, or are "
        "asked for; they are stored sealed. A key that can withdraw is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which exchange, which markets, and who vouches for the key where the exchange does not tell."""
        parser.add_argument("--exchange", help="the name ccxt gives it, such as kraken, or paper")
        parser.add_argument("--name", help="what orders are booked under; default: the exchange")
        parser.add_argument("--url", default="", help="another address, such as the simulator's")
        parser.add_argument("--quote", default="USDT", help="the currency of its markets")
        parser.add_argument("--quote-token", default="", help="the token whose mark says what that is worth")
        parser.add_argument("--fee", default="0.001", help="what a taker pays, a fraction")
        parser.add_argument(
            "--market",
            action="append",
            default=[],
            metavar="SLUG=MARKET",
            help="such as bitcoin=BTC/USDT; the others are found by symbol and price",
        )
        parser.add_argument(
            "--cannot-withdraw",
            metavar="EMAIL",
            help="the operator who has made sure that the key cannot withdraw, where the exchange does not tell",
        )
        parser.add_argument(
            "--reseal", action="store_true", help="seal stored keys under the first vault key, no more"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what was connected; exit 2 and the reason where it was refused."""
        try:
            if options["reseal"]:
                self.stdout.write(f"{venues.keys_reseal()} accounts sealed anew.")
                return
            account = self._connected(options)
        except (venues.VenueRefused, VaultClosed) as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(f"{account.name} is connected; new orders go there.")
        for market in account.markets.select_related("token"):
            self.stdout.write(f"  {market.token.slug:<24} {market.symbol}")

    def _connected(self, options: dict[str, Any]) -> VenueAccount:
        if not options["exchange"]:
            raise CommandError("exchange: say which, such as kraken", returncode=2)
        name = options["name"] or options["exchange"]
        fee = _fraction(options["fee"])
        if options["exchange"] == venues.PAPER:
            return venues.paper_connect(name, fee=fee)
        return venues.venue_connect(
            name,
            exchange=options["exchange"],
            credentials=venues.Credentials(
                os.environ.get("VENUE_KEY") or getpass.getpass("Key: "),
                os.environ.get("VENUE_SECRET") or getpass.getpass("Secret: "),
                os.environ.get("VENUE_PASSWORD", ""),
            ),
            quote=options["quote"],
            fee=fee,
            url=options["url"],
            quote_token=options["quote_token"],
            markets=dict(_pair(text) for text in options["market"]),
            confirmed_by=_operator(options["cannot_withdraw"]),
        )


def _operator(email: str | None) -> User | None:
    if not email:
        return None
    found = User.objects.filter(email=email.lower(), is_staff=True, is_active=True).first()
    if found is None:
        raise CommandError(f"cannot-withdraw: no operator signs in as {email}", returncode=2)
    return found


def _fraction(text: str) -> Decimal:
    try:
        fee = Decimal(text)
    except InvalidOperation as error:
        raise CommandError(f"fee: {text!r} is not a number", returncode=2) from error
    if not 0 <= fee < Decimal("0.1"):
        raise CommandError(f"fee: {text} is no fraction below 0.1", returncode=2)
    return fee


def _pair(text: str) -> tuple[str, str]:
    slug, separator, symbol = text.partition("=")
    if not separator or not slug or not symbol:
        raise CommandError(f"market: {text!r} is not of the form bitcoin=BTC/USDT", returncode=2)
    return slug, symbol
