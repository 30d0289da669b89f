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


class InvalidSettings(MoneyError):
    """A setting of a personal portfolio is out of bounds; `field` names it."""

    code, field = "invalid_settings", "settings"


class UnknownBook(MoneyError):
    """The person has no such personal portfolio."""

    code, field = "unknown_personal", "id"


class NothingHeld(MoneyError):
    """There is nothing to sell that is not on its way already."""

    code, field = "nothing_held", "amount"


class UnknownPlan(MoneyError):
    code, field = "unknown_plan", "plan"


class PlanUnchanged(MoneyError):
    code, field = "plan_unchanged", "plan"


class PaymentDeclined(MoneyError):
    code, field = "payment_declined", "plan"


class InvalidPause(MoneyError):
    """What an operator wants to stop or to let go on does not exist; `field` names it."""

    code, field = "invalid_pause", "scope"


class UnknownMethod(MoneyError):
    code, field = "unknown_method", "method"


class UnknownOrder(MoneyError):
    code, field = "unknown_order", "id"


class NotCancellable(MoneyError):
    code, field = "not_cancellable", "id"


class FeeRefused(MoneyError):
    """Fees that may not be announced, called off or redeemed so; `field` names what is wrong."""

    code, field = "fee_refused", "index"


class InvalidLots(MoneyError):
    """A tax rule, year or choice of lots that cannot be followed; `field` names it."""

    code, field = "invalid_lots", "lots"


class TaxYearClosed(MoneyError):
    code, field = "tax_year_closed", "year"


class TaxYearOpen(MoneyError):
    """The year is not over, so it cannot be closed."""

    code, field = "tax_year_open", "year"


class ConflictError(MoneyError):
    """The same reference was used before for something else."""

    code, field = "conflict", "reference"


class UnknownNotice(MoneyError):
    """The person has no such notice."""

    code, field = "unknown_notice", "id"


class InvalidPreference(MoneyError):
    """A kind of notice that does not exist, or that cannot be turned off; `field` names it."""

    code, field = "invalid_preference", "kind"


class AddressUnavailable(MoneyError):
    """There is no deposit address to give."""

    code, field = "address_unavailable", "method"


class InvalidTransfer(MoneyError):
    """A transfer that an operator cannot let through as asked; `field` names what is wrong."""

    code, field = "invalid_transfer", "id"


class NoProof(MoneyError):
    """There is no proof of reserves, or the person is not part of the last one."""

    code, field = "no_proof", "day"


class UnknownPayment(MoneyError):
    code, field = "unknown_payment", "id"


class PaymentsDown(MoneyError):
    """The provider does not answer; what was asked for may still happen once, never twice."""

    code, field = "payments_down", ""


class DailyLimitReached(MoneyError):
    code, field = "daily_limit", "amount"


class ReceivableOpen(MoneyError):
    """The person owes money since a deposit of theirs was taken back."""

    code, field = "receivable_open", "amount"


class InvalidAddress(MoneyError):
    code, field = "invalid_address", "address"


class DestinationListed(MoneyError):
    code, field = "destination_listed", "address"


class UnknownDestination(MoneyError):
    code, field = "unknown_destination", "destination"


class DestinationRequired(MoneyError):
    code, field = "destination_required", "destination"


class DestinationNotYet(MoneyError):
    """The address is on the list and its waiting period is not over."""

    code, field = "destination_not_yet", "destination"


class ApprovalRefused(MoneyError):
    """This member of staff may not decide about this withdrawal."""

    code, field = "approval_refused", "id"


class InvalidSchedule(MoneyError):
    """The days of a recurring plan make no sense; `field` names what is wrong."""

    code, field = "invalid_schedule", "frequency"


class UnknownRecurring(MoneyError):
    """The person has no such recurring plan."""

    code, field = "unknown_recurring", "id"


class PlanOver(MoneyError):
    """A recurring plan that was cancelled or has come to its end."""

    code, field = "plan_over", "id"


class UnknownSwitch(MoneyError):
    """The person has no such switch."""

    code, field = "unknown_switch", "id"
