"""All positive roots of a sum of whole amounts times powers of x, found and counted with proof. Decimal only.

Around the middle of an interval the sum differs from its value there by at most h |slope| + h^2 B / 2, with h half the
width and B the sum of the sizes of all second derivatives at the upper end, which bounds them on the whole. Intervals
that so cannot hold a root are dropped, those on which the slope keeps its sign hold one exactly where the sum changes
its own, the others are halved.
"""

from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, localcontext
from itertools import pairwise

_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN)
_SHARP = Decimal("1E-45")
_NARROWEST = Decimal("1E-25")
_MOST_STEPS = 1000

Terms = list[tuple[int, int]]


def positive_roots(terms: Sequence[tuple[int, int]]) -> list[Decimal]:
    """The roots x > 0 of sum(amount x x^power), ascending, to 45 digits; `terms` are (amount, power >= 0).

    Two roots so near to each other that they cannot be told apart (and one that only touches zero) count as two equal
    ones. Raises ValueError for a negative power.
    """
    merged: dict[int, int] = {}
    for amount, power in terms:
        if power < 0:
            raise ValueError(f"power: {power} is negative")
        merged[power] = merged.get(power, 0) + amount
    kept = sorted(((amount, power) for power, amount in merged.items() if amount), key=lambda term: -term[1])
    if not kept:
        return []
    lowest = kept[-1][1]
    whole = [(amount, power - lowest) for amount, power in kept]
    changes = sum(1 for a, b in pairwise(whole) if (a[0] > 0) != (b[0] > 0))
    if changes == 0:
        return []
    with localcontext(_WIDE):
        # Cauchy's bound: beyond it the highest power outweighs all others.
        top = 1 + Decimal(max(abs(amount) for amount, _ in whole)) / abs(Decimal(whole[0][0]))
        # Descartes: with one change of sign there is one root, and no need to look for others.
        if changes == 1:
            return [_refined(whole, Decimal(0), top)]
        if (whole[0][0] > 0) != (whole[-1][0] > 0):
            root = _refined(whole, Decimal(0), top)
            if _outstanding(whole, root):
                return [root]
        return sorted(_isolated(whole, top))


def value(terms: Sequence[tuple[int, int]], x: Decimal) -> Decimal:
    """sum(amount x x^power) for terms of falling power, by Horner's rule."""
    total = Decimal(0)
    for place, (amount, power) in enumerate(terms):
        below = terms[place + 1][1] if place + 1 < len(terms) else 0
        total = _WIDE.add(total, Decimal(amount))
        if power > below:
            total = _WIDE.multiply(total, _WIDE.power(x, power - below))
    return total


def _outstanding(terms: Terms, root: Decimal) -> bool:
    """Whether the partial sums at `root` never turn to the other side before the end. Then no other root exists: a
    larger x makes every partial sum larger, a smaller one smaller (Soper, The Marginal Efficiency of Capital, 1959)."""
    sign, total = (1 if terms[0][0] > 0 else -1), Decimal(0)
    for place, (amount, power) in enumerate(terms[:-1]):
        total = (total + amount) * root ** (power - terms[place + 1][1])
        if total * sign < 0:
            return False
    return True


def _slope(terms: Terms) -> Terms:
    return [(amount * power, power - 1) for amount, power in terms if power]


def _isolated(terms: Terms, top: Decimal) -> list[Decimal]:
    slope = _slope(terms)
    bend = [(abs(amount), power) for amount, power in _slope(slope)]
    roots: list[Decimal] = []
    waiting = [(Decimal(0), top)]
    steps = 0
    while waiting:
        low, high = waiting.pop()
        steps += 1
        middle, half = (low + high) / 2, (high - low) / 2
        at, tilt = value(terms, middle), abs(value(slope, middle))
        most_bend = value(bend, high)
        if abs(at) > half * tilt + half * half * most_bend / 2:
            continue
        if tilt > half * most_bend:
            below, above = value(terms, low), value(terms, high)
            # A root on an edge belongs to the interval that ends there.
            if above == 0:
                roots.append(high)
            elif below != 0 and (below > 0) != (above > 0):
                roots.append(_refined(terms, low, high))
            continue
        if high - low < _NARROWEST * high or steps > _MOST_STEPS:
            roots += [middle, middle]
            continue
        waiting += [(low, middle), (middle, high)]
    return roots


def _refined(terms: Terms, low: Decimal, high: Decimal) -> Decimal:
    """The root between two ends of different sign: Newton's steps, halving wherever one would leave the bracket."""
    slope = _slope(terms)
    sign_low = value(terms, low) > 0
    x = min(max(Decimal(1), low), high) if low < 1 < high else (low + high) / 2
    while high - low > _SHARP * high:
        at = value(terms, x)
        if at == 0:
            return x
        if (at > 0) == sign_low:
            low = x
        else:
            high = x
        tilt = value(slope, x)
        following = x - at / tilt if tilt else low
        if abs(following - x) <= _SHARP * x:
            return following
        x = following if low < following < high else (low + high) / 2
    return x
