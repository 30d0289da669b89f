"""manage.py exchange_simulator: a Binance-shaped spot exchange on this machine."""

import secrets
import threading
import time
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.brokers.simulator.exchange import Account, Exchange
from portfolios.brokers.simulator.faults import KINDS, FaultError, Faults
from portfolios.brokers.simulator.market import standard_markets
from portfolios.brokers.simulator.server import SimulatorServer


class Command(BaseCommand):
    """Runs until it is stopped; nothing is stored."""

    help = (
        "Run a simulated exchange that any Binance client can trade against; prints address, key and secret."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where it listens, what the account owns, and what goes wrong."""
        parser.add_argument("--port", type=int, default=8399, help="0 takes a free one")
        parser.add_argument("--seed", type=int, default=1, help="prices and faults follow from it")
        parser.add_argument("--usdt", default="100000", help="what the account begins with")
        parser.add_argument("--key", help="default: a new one")
        parser.add_argument("--secret", help="default: a new one")
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="KIND:RATE",
            help=f"such as drop-after:0.02; kinds are {', '.join(KINDS)}",
        )
        parser.add_argument(
            "--may-withdraw", action="store_true", help="the key can withdraw; ours refuses it"
        )
        parser.add_argument(
            "--fee-asset", default="", help="what pays fees, such as BNB; default: what comes in"
        )
        parser.add_argument("--step-ms", type=int, default=1000, help="how often prices move; 0 never")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what a client needs on four lines, then serves."""
        try:
            faults = Faults(dict(_rate(text) for text in options["fault"]), options["seed"])
            usdt = Decimal(options["usdt"])
        except (FaultError, InvalidOperation) as error:
            raise CommandError(f"fault, usdt: {error}", returncode=2) from error
        account = Account(
            options["key"] or secrets.token_hex(16),
            options["secret"] or secrets.token_hex(32),
            {"USDT": usdt},
            may_withdraw=options["may_withdraw"],
            fee_asset=options["fee_asset"],
        )
        exchange = Exchange(
            standard_markets(options["seed"]), [account], now=lambda: time.time_ns() // 1_000_000
        )
        try:
            server = SimulatorServer(exchange, port=options["port"], faults=faults)
        except OSError as error:
            raise CommandError(
                f"port: {options['port']} cannot be used: {error.strerror}", returncode=2
            ) from error
        self.stdout.write(
            f"url {server.url}/api/v3\nkey {account.key}\nsecret {account.secret}\nready, stop with Ctrl-C"
        )
        self.stdout.flush()
        stopped = threading.Event()
        if options["step_ms"] > 0:
            threading.Thread(
                target=_moving, args=(exchange, options["step_ms"], stopped), daemon=True
            ).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("stopped")
        finally:
            stopped.set()
            server.server_close()


def _moving(exchange: Exchange, step_ms: int, stopped: threading.Event) -> None:
    while not stopped.wait(step_ms / 1000):
        exchange.advance()


def _rate(text: str) -> tuple[str, int]:
    kind, _, rate = text.partition(":")
    try:
        return kind, int(Decimal(rate) * 1_000_000)
    except InvalidOperation as error:
        raise FaultError(f"{text!r}: give a kind and a rate such as drop-after:0.02") from error
