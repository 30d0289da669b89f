"""Line and bar plots as SVG text: no script, no style sheet, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite, log10

from signals.core.charting import linear_marks, log_marks, without_zeros

WIDTH, HEIGHT = 760, 280
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 12, 26
COLOURS = ("#2563eb", "#d97706", "#64748b", "#059669", "#db2777", "#7c3aed")
DASHES = ("", "7 3", "2 3", "10 3 2 3", "4 2", "1 2")
POINTS = 400
WIDEST_BAR = 64.0

Value = float | None


def line_plot(
    title: str, days: Sequence[str], lines: Mapping[str, Sequence[Value]], *, is_log: bool = False
) -> str:
    """The lines over the days; a gap where a value is None. Empty text where nothing can be drawn.

    A logarithmic scale is taken only where every value is above zero.
    """
    values = [value for line in lines.values() for value in line if value is not None and isfinite(value)]
    if len(days) < 2 or not values:
        return ""
    log = is_log and min(values) > 0
    low, high = min(values), max(values)
    if low == high == 0.0:
        low, high = -1.0, 1.0
    marks = log_marks(low, high) if log and high > low else linear_marks(low, high)
    low, high = min(low, marks[0]), max(high, marks[-1])

    def across(place: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * place / (len(days) - 1)

    def down(value: float) -> float:
        part = log10(value / low) / log10(high / low) if log else (value - low) / (high - low)
        return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - part)

    parts = [_grid(down(mark), label) for mark, label in zip(marks, _labels(marks), strict=True)]
    for place in sorted({0, (len(days) - 1) // 3, 2 * (len(days) - 1) // 3, len(days) - 1}):
        anchor = "start" if place == 0 else "end" if place == len(days) - 1 else "middle"
        parts.append(_text(across(place), HEIGHT - 8, days[place], anchor))
    step = max(1, len(days) // POINTS)
    for number, line in enumerate(lines.values()):
        path, pen_down = [], False
        for place in (*range(0, len(days) - 1, step), len(days) - 1):
            value = line[place]
            if value is None or not isfinite(value):
                pen_down = False
                continue
            path.append(f"{'L' if pen_down else 'M'}{across(place):.1f} {down(value):.1f}")
            pen_down = True
        dash = f' stroke-dasharray="{DASHES[number % len(DASHES)]}"' if DASHES[number % len(DASHES)] else ""
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>')
    return _svg(title, parts) + _legend(list(lines))


def bar_plot(title: str, names: Sequence[str], values: Sequence[Value], *, percent: bool = False) -> str:
    """One bar per name, from zero; empty text where no value is known."""
    known = [value for value in values if value is not None and isfinite(value)]
    if not known:
        return ""
    marks = linear_marks(min(0.0, *known), max(0.0, *known)) if any(known) else [0.0, 1.0]
    low, high = marks[0], marks[-1]

    def down(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (value - low) / (high - low))

    labels = [f"{mark * 100:.2f}%" for mark in marks] if percent else _labels(marks)
    parts = [_grid(down(mark), label) for mark, label in zip(marks, labels, strict=True)]
    slot = (WIDTH - LEFT - RIGHT) / len(names)
    wide = min(slot * 0.64, WIDEST_BAR)
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        middle = LEFT + slot * (place + 0.5)
        if value is not None and isfinite(value):
            upper, lower = sorted((down(value), down(0.0)))
            colour = COLOURS[0] if value >= 0 else COLOURS[1]
            parts.append(
                f'<rect x="{middle - wide / 2:.1f}" y="{upper:.1f}" width="{wide:.1f}" '
                f'height="{max(lower - upper, 0.5):.1f}" fill="{colour}"/>'
            )
        parts.append(_text(middle, HEIGHT - 8, name, "middle"))
    return _svg(title, parts)


def _labels(marks: Sequence[float]) -> list[str]:
    places = (
        0 if max(abs(mark) for mark in marks) >= 100 else 2 if max(abs(mark) for mark in marks) >= 0.1 else 4
    )
    return without_zeros([f"{mark:,.{places}f}" for mark in marks])


def _grid(y: float, label: str) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity="0.15"/>'
    return line + _text(LEFT - 6, y + 4, label, "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
        f'font-size="11" fill="currentColor">{"".join(parts)}</svg>'
    )


def _legend(names: Sequence[str]) -> str:
    items = []
    for number, name in enumerate(names):
        dash = DASHES[number % len(DASHES)]
        stroke = f' stroke-dasharray="{dash}"' if dash else ""
        items.append(
            f'<li><svg width="26" height="8" viewBox="0 0 26 8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" '
            f'stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="2"{stroke}/></svg> {escape(name)}</li>'
        )
    return f'<ul class="legend">{"".join(items)}</ul>'
