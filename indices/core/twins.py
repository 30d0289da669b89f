"""The passive twin of an index: the same universe, screens and calendar by market cap alone, always fully invested."""

from dataclasses import replace

from indices.core.rulebook.choosing import needs_grades
from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.deciding import passive

SUFFIX = "-passive"


def has_twin(rulebook: Rulebook) -> bool:
    """Whether the rules use anything that a passive index does without: grades, or the market regime."""
    return needs_grades(rulebook) or rulebook.overlay.regime


def passive_twin(rulebook: Rulebook) -> Rulebook:
    """The rules of the twin, its slug ending in SUFFIX: no grades, no regime, everything else as in `rulebook`."""
    plain = passive(rulebook, grades=True, regime=True)
    name = rulebook.name or rulebook.slug
    return Rulebook.from_dict(
        replace(
            plain,
            slug=f"{rulebook.slug}{SUFFIX}",
            name=f"{name}, passive twin",
            summary=f"What {name} would be without the AI: by market cap, always invested.",
            family="thematic" if rulebook.universe.categories else "market_cap",
            tokenized=False,
        ).to_dict()
    )
