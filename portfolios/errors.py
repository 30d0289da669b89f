"""Why money was not moved. Every message says first what happened to the money, then what to do."""


class MoneyError(Exception):
    """A wish that was refused. Nothing was moved. `code` is stable, `field` names the input at fault (or is empty),
    `message` is a plain sentence fit for a page or a problem document."""

    code = "money_error"
    field = ""

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if field is not None:
            self.field = field


class InvalidAmount(MoneyError):
    """Not a positive number with at most two decimals (or twelve, for units)."""

    code, field = "invalid_amount", "amount"


class BelowMinimum(MoneyError):
    code, field = "below_minimum", "amount"


class InsufficientFunds(MoneyError):
    """The account holds less than was asked for."""

    code, field = "insufficient_funds", "amount"


class InsufficientUnits(MoneyError):
    code, field = "insufficient_units", "units"


class UnknownIndex(MoneyError):
    code, field = "unknown_index", "index"


class IndexNotReady(MoneyError):
    """The index exists but has no decision in force that could be bought."""

    code, field = "index_not_ready", "index"


class PlanRequired(MoneyError):
    code, field = "plan_required", "index"


class InvalidRules(MoneyError):
    """A rule of an index that somebody builds is out of bounds; `field` names it."""

    code, field = "invalid_rules", "rules"


class UnknownCustomIndex(MoneyError):
    """The person has no such index of their own."""

    code, field = "unknown_custom_index", "slug"


class CustomIndexLimit(MoneyError):
    """The person's plan lets them keep no further index of their own."""

    code, field = "custom_index_limit", "plan"


class CustomIndexInUse(MoneyError):
    """Units are held or orders are on their way."""

    code, field = "custom_index_in_use", "slug"


class UnknownPlan(MoneyError):
    code, field = "unknown_plan", "plan"


class PlanUnchanged(MoneyError):
    code, field = "plan_unchanged", "plan"


class PaymentDeclined(MoneyError):
    code, field = "payment_declined", "plan"


class UnknownMethod(MoneyError):
    code, field = "unknown_method", "method"


class UnknownOrder(MoneyError):
    code, field = "unknown_order", "id"


class NotCancellable(MoneyError):
    code, field = "not_cancellable", "id"


class ConflictError(MoneyError):
    """The same reference was used before for something else."""

    code, field = "conflict", "reference"
