"""A ccxt client as we want it: numbers as text, its errors sorted by what they mean, Retry-After kept."""

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from portfolios.brokers.base import BrokerUnreachable
from portfolios.brokers.decimals import decimals_kept

TIMEOUT_MS = 10_000
SECOND = 10**9
LONGEST_WAIT = 600
"""Seconds; a venue that asks for more is asked again all the same."""


class Refused(Exception):
    """The venue has definitely not accepted what it was sent; the text is its own."""


class NotThere(Exception):
    """The venue knows no such order."""


class Client:
    """One account at one exchange. Every call may raise BrokerUnreachable: what happened is then not known."""

    def __init__(
        self,
        exchange: str,
        *,
        key: str = "",
        secret: str = "",
        password: str = "",
        url: str = "",
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        import ccxt

        if exchange not in ccxt.exchanges:
            raise ValueError(
                f"exchange: ccxt knows no {exchange!r}; see `python -c 'import ccxt; print(ccxt.exchanges)'`"
            )
        local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        with decimals_kept():
            self.raw: Any = getattr(ccxt, exchange)(
                {
                    "apiKey": key,
                    "secret": secret,
                    "password": password,
                    "timeout": TIMEOUT_MS,
                    "enableRateLimit": not local,
                    # Spot markets are all we trade; the rest would only be more to wait for.
                    "options": {
                        "fetchMarkets": {"types": ["spot"]},
                        "fetchCurrencies": False,
                        "fetchMargins": False,
                    },
                }
            )
        # It logs headers, and with them the key.
        self.raw.logger = _silent()
        # Floats would round what the venue said.
        self.raw.number = str
        if url:
            parts = urlsplit(url)
            self.raw.urls["api"] = _moved(self.raw.urls["api"], f"{parts.scheme}://{parts.netloc}")
        self._clock, self._wait_until = clock, 0
        self._limited: tuple[type[Exception], ...] = (ccxt.RateLimitExceeded, ccxt.DDoSProtection)
        self._missing: tuple[type[Exception], ...] = (ccxt.OrderNotFound,)
        # A duplicate means that the venue has it: to be asked, not to be believed refused.
        self._open_ended: tuple[type[Exception], ...] = (ccxt.DuplicateOrderId, ccxt.OrderNotCached)
        self._refusals: tuple[type[Exception], ...] = (
            ccxt.InsufficientFunds, ccxt.InvalidOrder, ccxt.BadRequest, ccxt.AuthenticationError,
            ccxt.OperationRejected, ccxt.ArgumentsRequired, ccxt.NotSupported, ccxt.ContractUnavailable,
        )  # fmt: skip
        self._errors: tuple[type[Exception], ...] = (
            ccxt.BaseError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError,
        )  # fmt: skip

    def can(self, ability: str) -> bool:
        """Whether the exchange itself answers this kind of question; what ccxt would make up does not count."""
        return self.raw.has.get(ability) is True

    def waiting(self) -> int:
        """Seconds, rounded up, until the venue wants to hear from us again."""
        return max(0, -(-(self._wait_until - self._clock()) // SECOND))

    @decimals_kept()
    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """The answer. Raises Refused and NotThere for definite answers, BrokerUnreachable for anything else."""
        left = self.waiting()
        if left > 0:
            raise BrokerUnreachable(f"{self.raw.id} asked us to wait; {left} seconds are left")
        try:
            return getattr(self.raw, method)(*arguments, **named)
        except self._missing as error:
            raise NotThere(_text(error)) from error
        except self._open_ended as error:
            raise BrokerUnreachable(_text(error)) from error
        except self._limited as error:
            self._wait_until = self._clock() + self._retry_after() * SECOND
            raise BrokerUnreachable(_text(error)) from error
        except self._refusals as error:
            raise Refused(_text(error)) from error
        except self._errors as error:
            # What cannot be parsed tells nothing about what was done.
            raise BrokerUnreachable(f"{type(error).__name__}: {_text(error)}") from error

    def _retry_after(self) -> int:
        headers = {name.lower(): value for name, value in (self.raw.last_response_headers or {}).items()}
        text = str(headers.get("retry-after", ""))
        return min(LONGEST_WAIT, int(text)) if text.isdigit() else 10


def _silent() -> logging.Logger:
    logger = logging.getLogger(f"{__name__}.silent")
    logger.disabled = True
    return logger


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _moved(urls: Any, root: str) -> Any:
    # ccxt keeps one address per kind of call; each keeps its path and moves to `root`.
    if isinstance(urls, dict):
        return {name: _moved(url, root) for name, url in urls.items()}
    return root + urlsplit(str(urls)).path
