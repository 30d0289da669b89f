"""How a printed page looks. ReportLab is imported inside, for it is only needed when somebody prints."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

INK, FAINT, LINE, ACCENT = "#1b1c1e", "#5c6066", "#d8d6d0", "#22577a"
REGULAR, BOLD = "Vera", "VeraBd"
MARGIN, PADDING = 46.0, 6.0
NOTICE = (
    "Crypto assets can lose most or all of their value. Past levels say nothing certain about the future."
)


@cache
def fonts_ready() -> None:
    """The two fonts are registered: Bitstream Vera, which ReportLab carries and which has a true minus sign."""
    import reportlab
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def style(
    size: float, *, bold: bool = False, color: str = INK, right: bool = False, before: float = 0
) -> Any:
    """A paragraph style."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    fonts_ready()
    return ParagraphStyle(
        name=f"{size}{bold}{color}{right}{before}",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=size * 1.35,
        textColor=HexColor(color),
        alignment=TA_RIGHT if right else TA_LEFT,
        spaceBefore=before,
        spaceAfter=size * 0.35,
    )


def paragraph(text: str, look: Any) -> Flowable:
    """`text` as it is: nothing in it is markup."""
    from reportlab.platypus import Paragraph

    return Paragraph(escape(text), look)


def table(
    rows: Sequence[Sequence[str]],
    widths: Sequence[float],
    *,
    size: float = 7.5,
    heading: bool = True,
    right: bool = True,
) -> Flowable:
    """Rows of text. With `right` all but the first column stand to the right; with `heading` the first row is faint
    and repeated on each page."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table, TableStyle

    looks = {
        (faint, aside): style(size, color=FAINT if faint else INK, right=aside)
        for faint in (True, False)
        for aside in (True, False)
    }
    written = [
        [
            paragraph(text, looks[heading and number == 0, right and place > 0])
            for place, text in enumerate(row)
        ]
        for number, row in enumerate(rows)
    ]
    made = Table(written, colWidths=list(widths), repeatRows=1 if heading else 0, hAlign="LEFT")
    made.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LINE)),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("LEFTPADDING", (1, 0), (-1, -1), 4),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return made


def document(parts: Sequence[Flowable], *, title: str, footer: str) -> bytes:
    """The parts on A4 pages with a footer. The same parts give the same bytes: no clock and no random id is in them."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import SimpleDocTemplate

    fonts_ready()

    def foot(canvas: Canvas, page: Any) -> None:
        canvas.setFont(REGULAR, 6.5)
        canvas.setFillColor(HexColor(FAINT))
        canvas.drawString(MARGIN + PADDING, 34, NOTICE)
        canvas.drawString(MARGIN + PADDING, 24, footer)
        canvas.drawRightString(A4[0] - MARGIN - PADDING, 24, str(page.page))

    target = io.BytesIO()
    SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=42,
        bottomMargin=56,
        title=title,
        author="Bellwether",
        invariant=1,
    ).build(list(parts), onFirstPage=foot, onLaterPages=foot)
    return target.getvalue()


def width() -> float:
    """What there is between the margins of an A4 page and their padding, points."""
    from reportlab.lib.pagesizes import A4

    return float(A4[0]) - 2 * (MARGIN + PADDING)
