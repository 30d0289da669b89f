"""What a person fills in to sell, to switch, and to invest again and again."""

from datetime import date
from typing import Any

from django import forms

from portfolios.forms import AmountField, OnceForm


class SizeForm(OnceForm):
    """How much of a holding: dollars, a share in percent, or everything; one of them."""

    amount = AmountField(label="Amount", required=False)
    percent = forms.CharField(label="Percent", required=False, max_length=8)
    everything = forms.BooleanField(label="Sell everything", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if sum(bool(cleaned.get(name)) for name in ("amount", "percent", "everything")) != 1:
            self.add_error(
                "amount",
                "Nothing was moved: enter an amount or a percentage, or choose to sell everything.",
            )
        return cleaned

    def size(self) -> dict[str, Any]:
        """The cleaned form as the services want it."""
        given = self.cleaned_data
        if given["everything"]:
            return {"all": True}
        return {"amount": given["amount"]} if given["amount"] else {"percent": given["percent"]}


class SwitchForm(SizeForm):
    """How much, and which index it goes into."""

    into = forms.SlugField(
        label="Into", max_length=64, error_messages={"required": "Nothing was moved: choose an index."}
    )


WEEKDAYS = (
    (0, "Monday"),
    (1, "Tuesday"),
    (2, "Wednesday"),
    (3, "Thursday"),
    (4, "Friday"),
    (5, "Saturday"),
    (6, "Sunday"),
)
FREQUENCIES = (("daily", "Every day"), ("weekly", "Every week"), ("monthly", "Every month"))


class RecurringForm(OnceForm):
    """An index, an amount, a rhythm and its days."""

    index = forms.ChoiceField(label="Index")
    amount = AmountField(label="Amount", error_messages={"required": "Nothing was set up: enter an amount."})
    frequency = forms.ChoiceField(label="How often", choices=FREQUENCIES, initial="monthly")
    weekday = forms.TypedChoiceField(
        label="On which weekday",
        choices=WEEKDAYS,
        coerce=int,
        empty_value=None,
        required=False,
        help_text="Counts for every week.",
    )
    day = forms.IntegerField(
        label="On which day of the month",
        min_value=1,
        max_value=31,
        initial=1,
        required=False,
        help_text="Counts for every month. In a shorter month its last day stands for it.",
    )
    starts_on = forms.DateField(
        label="First day", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    ends_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: until you end it.",
    )

    def __init__(self, *args: Any, indices: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["index"].choices = indices  # type: ignore[attr-defined]

    def rule(self) -> dict[str, Any]:
        """Frequency and days as the service wants them: the day that does not count is left out."""
        given = self.cleaned_data
        starts: date | None = given["starts_on"]
        return {
            "frequency": given["frequency"],
            "weekday": given["weekday"] if given["frequency"] == "weekly" else None,
            "day": given["day"] if given["frequency"] == "monthly" else None,
            "starts_on": starts,
            "ends_on": given["ends_on"],
        }
