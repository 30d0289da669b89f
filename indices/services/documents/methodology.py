"""The methodology on paper, written from the rulebook that the engine runs."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from indices.core.prose import rules
from indices.models import Index
from indices.selectors.methodology import VersionRow
from indices.services.documents import paper


def methodology_pdf(index: Index, versions: Sequence[VersionRow]) -> bytes:
    """The rules in words, what each version (newest first) changed, and the rulebook itself.

    The same rulebooks give the same bytes.
    """
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Preformatted

    newest = versions[0]
    plain, faint = paper.style(8.5), paper.style(7.5, color=paper.FAINT)
    heading = paper.style(12, bold=True, before=12)
    parts = [
        paper.paragraph(f"Method of {index.name}", paper.style(19, bold=True)),
        paper.paragraph(index.summary, paper.style(9)),
        paper.paragraph(
            f"Version {newest.version}. Written from the file that the engine runs. Fingerprint {newest.digest}",
            faint,
        ),
        paper.paragraph("The rules", heading),
        paper.table(
            [(rule.title, rule.text) for rule in rules(newest.rulebook)],
            [paper.width() * 0.24, paper.width() * 0.76],
            size=8.5,
            heading=False,
            right=False,
        ),
        paper.paragraph("Versions", heading),
    ]
    for row in versions:
        since = (
            f"decides from {row.decides_since:%-d %B %Y} on" if row.decides_since else "has not decided yet"
        )
        parts.append(paper.paragraph(f"Version {row.version}, {since}", paper.style(9, bold=True, before=5)))
        first = "The first version." if row is versions[-1] else "No rule changed."
        parts += [paper.paragraph(change.text, plain) for change in row.changes] or [
            paper.paragraph(first, plain)
        ]
        parts.append(paper.paragraph(row.digest, faint))
    body = yaml.safe_dump(newest.rulebook.to_dict(whole=True), sort_keys=False, allow_unicode=True, width=88)
    typed = ParagraphStyle(name="typed", fontName="Courier", fontSize=7, leading=9)
    parts += [
        paper.paragraph("The rulebook itself", heading),
        Preformatted(body.encode("latin-1", "replace").decode("latin-1"), typed),
    ]
    footer = f"Bellwether · {index.name} · version {newest.version}"
    return paper.document(parts, title=f"Method of {index.name}", footer=footer)
