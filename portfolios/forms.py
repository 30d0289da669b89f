"""What a person fills in. Amounts travel as text to the services, which alone decide what a valid amount is."""

import uuid
from typing import Any

from django import forms

from portfolios.errors import MoneyError


class MoneyInput(forms.TextInput):
    """A text field for dollars; its template shows the sign of the dollar beside it."""

    is_money = True

    def __init__(self) -> None:
        super().__init__(attrs={"inputmode": "decimal", "autocomplete": "off", "placeholder": "0.00"})


class AmountField(forms.CharField):
    """Dollars as typed; a leading $ and commas between thousands do no harm."""

    widget = MoneyInput

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=32, **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").removeprefix("$").replace(",", "").strip()


class OnceForm(forms.Form):
    """A form whose effect happens once: `token` becomes the reference of what it causes."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, **options: Any) -> None:
        options["initial"] = {"token": uuid.uuid4().hex, **(options.get("initial") or {})}
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)

    def refuse(self, error: MoneyError) -> None:
        """The refusal stands at the field it is about, and the next attempt counts as a new one."""
        self.add_error(error.field if error.field in self.fields else None, error.message)
        self.data = {**dict(self.data.items()), self.add_prefix("token"): uuid.uuid4().hex}


class AmountForm(OnceForm):
    """Dollars in or out."""

    amount = AmountField(label="Amount", error_messages={"required": "Nothing was moved: enter an amount."})


class RedeemForm(OnceForm):
    """Part of a holding in dollars, or all of it."""

    amount = AmountField(label="Amount", required=False)
    everything = forms.BooleanField(label="Sell everything", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("amount")) == bool(cleaned.get("everything")):
            self.add_error("amount", "Nothing was moved: enter an amount, or choose to sell everything.")
        return cleaned


class PlanForm(OnceForm):
    """The plan to change to."""

    plan = forms.SlugField(widget=forms.HiddenInput)


class KeyForm(forms.Form):
    """A new API key."""

    ACCESS = (
        ("read", "Read: see indices, holdings and orders"),
        ("trade", "Trade: also place and cancel orders"),
    )

    name = forms.CharField(max_length=80, label="Name", help_text="So that you know later what it was for.")
    access = forms.ChoiceField(choices=ACCESS, initial="read", label="It may", widget=forms.RadioSelect)

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
