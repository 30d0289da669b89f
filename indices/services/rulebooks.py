"""The published rulebooks, from files into versions."""

from pathlib import Path

from django.db import transaction

from indices.core.rulebook import Rulebook, RulebookError
from indices.core.twins import has_twin, passive_twin
from indices.models import Index, RulebookVersion
from signals import selectors as signal_selectors

FOLDER = Path(__file__).resolve().parents[1] / "rulebooks"

# The order in which a newcomer meets them, family by family; an index that is not named comes after those that are.
ORDER = (
    "global-100",
    "top-10",
    "sqrt-30",
    "ai-global",
    "ai-defi",
    "layer-1",
    "defi",
    "exchange-tokens",
    "layer-2",
    "infrastructure",
    "ai-tokens",
    "gaming",
    "rwa",
    "privacy",
    "memecoins",
)

# An invented market has no dollars of this world; what its indices wait in are its own.
STAND_INS = {"simulated": {"usd-coin": "anchorage-dollar", "tether": "mint-street-dollar"}}


def published_rulebook(slug: str) -> Rulebook:
    """The rulebook in the file of that slug. Raises RulebookError where there is none."""
    path = FOLDER / f"{slug}.yaml"
    known = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    if slug not in known:
        raise RulebookError(
            "slug", f"there is no published rulebook {slug!r}; published are {', '.join(known)}"
        )
    return Rulebook.from_yaml(path.read_text(encoding="utf-8"))


@transaction.atomic
def index_sync() -> list[Index]:
    """Every published rulebook has its index, and a version of its present rules; the newest version is in force.

    An index that uses grades or the regime has its passive twin beside it, which is in no list. Rules that did not
    change make no new version. An index that an operator has taken off the site stays off it. Returns house indices.
    """
    market = signal_selectors.market_active_or_none()
    stand_ins = {} if market is None else STAND_INS.get(market.source, {})
    synced = []
    for file in sorted(FOLDER.glob("*.yaml")):
        published = published_rulebook(file.stem)
        if published.slug != file.stem:
            raise RulebookError(
                "slug", f"must be the name of its file, got {published.slug!r} in {file.name}"
            )
        rulebook = waiting_in(published, stand_ins)
        index = index_ensure(rulebook)
        if has_twin(rulebook):
            index_ensure(passive_twin(rulebook), twin_of=index)
        synced.append(index)
    return synced


def waiting_in(rulebook: Rulebook, stand_ins: dict[str, str]) -> Rulebook:
    """`rulebook` with the assets of its overlay's basket named as `stand_ins` say, where they say."""
    if not rulebook.overlay.regime or not stand_ins:
        return rulebook
    basket = {stand_ins.get(asset, asset): share for asset, share in rulebook.overlay.basket.items()}
    body = rulebook.to_dict()
    return Rulebook.from_dict(body | {"overlay": body["overlay"] | {"risk_off": basket}})


def index_ensure(rulebook: Rulebook, *, twin_of: Index | None = None) -> Index:
    """The index of `rulebook`, as its rules describe it, with a version of them."""
    place = ORDER.index(rulebook.slug) + 1 if rulebook.slug in ORDER else 0
    described = {
        "name": rulebook.name or rulebook.slug,
        "family": rulebook.family,
        "summary": rulebook.summary,
        "position": twin_of.position if twin_of is not None else 10 * place or 1000,
        "is_tokenized": rulebook.tokenized,
    }
    kind = Index.Kind.HOUSE if twin_of is None else Index.Kind.TWIN
    index, _ = Index.objects.update_or_create(
        slug=rulebook.slug,
        defaults=described,
        create_defaults=described | {"kind": kind, "twin_of": twin_of, "is_published": twin_of is None},
    )
    version_ensure(Index.objects.select_for_update().get(pk=index.pk), rulebook)
    return index


def version_ensure(index: Index, rulebook: Rulebook) -> RulebookVersion:
    """The newest version of `index`, which holds these rules. Expects the index row to be locked."""
    newest = RulebookVersion.objects.filter(index=index).order_by("-version").first()
    if newest is not None and newest.digest == rulebook.digest:
        return newest
    version = newest.version + 1 if newest is not None else 1
    return RulebookVersion.objects.create(
        index=index, version=version, body=rulebook.to_dict(), digest=rulebook.digest
    )
