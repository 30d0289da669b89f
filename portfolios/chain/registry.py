"""Which nodes are asked about USDC. A plain dictionary, so that a test or a drill can put a chain of its own there."""

from collections.abc import Callable, Sequence

from django.conf import settings

from portfolios.chain.node import Node, connect


def _configured() -> list[Node]:
    urls = [url for url in (settings.USDC_RPC_URL, settings.USDC_SECOND_RPC_URL) if url]
    return [connect(url, chain_id=settings.USDC_CHAIN_ID, contract=settings.USDC_CONTRACT) for url in urls]


NODES: dict[str, Callable[[], Sequence[Node]]] = {"usdc": _configured}


def usdc_nodes() -> Sequence[Node]:
    """The nodes to ask, the first of them first. A second one must agree before anything is credited. Empty where USDC
    is not set up."""
    return NODES["usdc"]()
