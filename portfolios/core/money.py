"""Amounts as whole base units. Everything that is added, split or compared is an integer; Decimal only at the edges."""

from decimal import Context, Decimal, Inexact, InvalidOperation

USD_SCALE = 6
USDC_SCALE = 6
UNIT_SCALE = 12
PRICE_SCALE = 24
CENT = 10 ** (USD_SCALE - 2)
FIRST_UNIT_PRICE = 100 * 10**USD_SCALE
MAX_SCALE = 18
MIN_TOKEN_SCALE = 6
LARGEST = Decimal(10) ** 9
"""Less than this at a time: whatever it buys fits into the ledger's 20 digits before the point."""

# Wide enough for numeric(38,18) times a price; anything that would be rounded raises instead.
EXACT = Context(prec=120, traps=[Inexact, InvalidOperation])


def to_base(amount: Decimal, scale: int) -> int:
    """The amount as a whole number of base units of 10^-scale. Raises ValueError when it is not a whole number."""
    if not amount.is_finite():
        raise ValueError(f"amount: {amount} is not a number; give a finite decimal")
    scaled = EXACT.scaleb(amount, scale)
    units = int(scaled)
    if units != scaled:
        raise ValueError(
            f"amount: {amount} has more than {scale} decimals; round it before it reaches the ledger"
        )
    return units


def from_base(units: int, scale: int) -> Decimal:
    """Base units of 10^-scale as a decimal with exactly `scale` places; nothing is rounded."""
    return EXACT.scaleb(Decimal(units), -scale)


def amount_parse(value: str | int | Decimal, *, decimals: int = 2) -> Decimal:
    """A positive amount a person typed, with at most `decimals` places and below 10^9.

    Raises ValueError with a sentence for that person. Exponents, signs, spaces inside and separators are refused.
    """
    text = str(value).strip() if not isinstance(value, Decimal) else format(value, "f")
    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError("Write the amount as a plain number such as 100 or 100.50.")
    amount = Decimal(text)
    if amount <= 0:
        raise ValueError("The amount must be more than zero.")
    if amount >= LARGEST:
        raise ValueError(f"The amount is too large: at most {LARGEST - 1:,} at a time.")
    if len(text.partition(".")[2].rstrip("0")) > decimals:
        raise ValueError(f"The amount may have at most {decimals} decimals.")
    return EXACT.quantize(amount, Decimal(1).scaleb(-decimals))


def cents_down(micro: int) -> int:
    """Micro-dollars rounded down to a whole cent (towards minus infinity)."""
    return micro // CENT * CENT


def token_scale(price: Decimal) -> int:
    """Decimals of a token's base unit: a base unit is worth less than 10^-9 USD at `price`, so that three orders of
    magnitude of price rise keep it below a micro-dollar; between 6 and 18."""
    if not price.is_finite() or price <= 0:
        raise ValueError(
            f"price: {price} is not a positive number; a token gets its scale from its first mark"
        )
    return max(MIN_TOKEN_SCALE, min(MAX_SCALE, price.adjusted() + 10))


def price_base(price: Decimal) -> int:
    """A USD price as an integer of 10^-24 USD, rounded down. Raises ValueError unless it is positive."""
    if not price.is_finite() or price <= 0:
        raise ValueError(f"price: {price} is not a positive number")
    units = int(price.scaleb(PRICE_SCALE, Context(prec=120)))
    if units == 0:
        raise ValueError(f"price: {price} is below the smallest price, 1e-{PRICE_SCALE} USD")
    return units


def value_of(quantity: int, scale: int, price: int) -> int:
    """Micro-dollars of `quantity` base units at a price in 10^-24 USD, rounded down."""
    return quantity * price // 10 ** (scale + PRICE_SCALE - USD_SCALE)


def quantity_worth(micro: int, scale: int, price: int) -> int:
    """Base units that `micro` micro-dollars buy at a price in 10^-24 USD, rounded down."""
    return micro * 10 ** (scale + PRICE_SCALE - USD_SCALE) // price
