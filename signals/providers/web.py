"""HTTPS to a public interface: retries with jitter, a limit to waiting, and a JSON object or a sentence why not."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from signals.providers.base import ProviderError

TIMEOUT = (3.0, 20.0)  # seconds to connect, to read


def session(*, backoff: float = 1.0, total: int = 4) -> requests.Session:
    """A session that asks again after 429 and 5xx."""
    made = requests.Session()
    made.headers["Accept"] = "application/json"
    retry = Retry(
        total=total,
        backoff_factor=backoff,
        backoff_jitter=backoff / 2,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=("GET",),
    )
    for scheme in ("https://", "http://"):
        made.mount(scheme, HTTPAdapter(max_retries=retry))
    return made


def data_list(
    made: requests.Session, url: str, *, source: str, query: dict[str, str] | None = None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The list `data` of the reply and the whole reply. Raises ProviderError for anything else."""
    try:
        reply = made.get(url, params=query, timeout=TIMEOUT)
        reply.raise_for_status()
        body = reply.json()
    except (requests.RequestException, ValueError) as error:
        raise ProviderError(f"{source} could not be read: {error}") from error
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ProviderError(f"{source}: the reply has no list of rows under `data`.")
    return rows, body
