"""What a person fills in. Amounts travel as text to the services, which alone decide what a valid amount is."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from indices.core.customising import Choices
from indices.core.rulebook import Rulebook
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


class DepositForm(AmountForm):
    """Dollars in, by one of `methods` (name, label); without a choice the first is meant."""

    method = forms.ChoiceField(label="By", required=False, widget=forms.RadioSelect)

    def __init__(self, *args: Any, methods: Sequence[tuple[str, str]], **options: Any) -> None:
        options["initial"] = {"method": methods[0][0] if methods else "", **(options.get("initial") or {})}
        super().__init__(*args, **options)
        self.default = methods[0][0] if methods else ""
        if len(methods) > 1:
            self.fields["method"].choices = list(methods)  # type: ignore[attr-defined]
        else:
            del self.fields["method"]

    def clean_method(self) -> str:
        return self.cleaned_data["method"] or self.default


class WithdrawForm(AmountForm):
    """Dollars out, to one of `destinations` (id, label); an empty id is play money's own."""

    destination = forms.ChoiceField(label="To", required=False)

    def __init__(self, *args: Any, destinations: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        if any(key for key, _ in destinations):
            self.fields["destination"].choices = list(destinations)  # type: ignore[attr-defined]
        else:
            del self.fields["destination"]


class DestinationForm(forms.Form):
    """A new address for withdrawals."""

    method = forms.ChoiceField(label="By", widget=forms.RadioSelect)
    address = forms.CharField(
        label="Address or account", max_length=160, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    label = forms.CharField(
        label="Name", max_length=80, required=False, help_text="So that you recognise it later."
    )

    def __init__(self, *args: Any, methods: Sequence[tuple[str, str]], **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["method"].choices = list(methods)  # type: ignore[attr-defined]
        if methods:
            self.fields["method"].initial = methods[0][0]

    def refuse(self, error: MoneyError) -> None:
        """The refusal stands at the field it is about."""
        self.add_error(error.field if error.field in self.fields else None, error.message)


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
        ("withdraw", "Withdraw: also send money to the addresses on your list"),
    )

    name = forms.CharField(max_length=80, label="Name", help_text="So that you know later what it was for.")
    access = forms.ChoiceField(choices=ACCESS, initial="read", label="It may", widget=forms.RadioSelect)

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)


@dataclass(frozen=True)
class RuleOptions:
    """What the fields of RulesForm offer. `words` says what a scheme means; `tokens` are (id, label)."""

    schemes: tuple[str, ...]
    words: dict[str, str]
    frequencies: tuple[str, ...]
    categories: tuple[str, ...]
    tokens: tuple[tuple[str, str], ...]


class PercentField(forms.DecimalField):
    """A percentage as typed, a fraction as cleaned: `25` and `25%` are 0.25."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(max_digits=9, decimal_places=4, **options)

    def to_python(self, value: Any) -> Any:
        percent = super().to_python(str(value or "").replace("%", "").strip())
        return None if percent is None else percent / 100

    def run_validators(self, value: Any) -> None:
        """No validators of digits: they would count those of the fraction."""


class DollarsField(forms.DecimalField):
    """Dollars as typed, with or without a sign and commas."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(max_digits=20, **options)

    def to_python(self, value: Any) -> Any:
        return super().to_python(str(value or "").removeprefix("$").replace(",", "").strip())


class RulesForm(forms.Form):
    """What a person changes about an index of ours. Fields and their meaning are those of Choices."""

    count = forms.IntegerField(label="How many tokens", min_value=1)
    scheme = forms.ChoiceField(label="How they are weighted")
    max_weight = PercentField(label="None above, percent")
    min_market_cap = DollarsField(label="Least market capitalisation, dollars", required=False)
    frequency = forms.ChoiceField(label="Rebalanced")
    drift_band = PercentField(
        label="Drift left alone, percent",
        help_text="A token this near its target is not traded. 0 trades every difference.",
    )
    regime = forms.BooleanField(label="Step aside when the market turns", required=False)
    exclude_categories = forms.MultipleChoiceField(
        label="Leave out whole kinds", required=False, widget=forms.CheckboxSelectMultiple
    )
    leave_out = forms.MultipleChoiceField(
        label="Leave out tokens of today’s index", required=False, widget=forms.CheckboxSelectMultiple
    )
    also_leave_out = forms.CharField(
        label="Leave out others, by id",
        required=False,
        max_length=2000,
        help_text="Ids as in the address of a token’s page, with commas between: dogecoin, shiba-inu.",
    )

    def __init__(self, *args: Any, base: Rulebook, options: RuleOptions, **more: Any) -> None:
        more.setdefault("label_suffix", "")
        super().__init__(*args, **more)
        choices = {
            "scheme": [(name, options.words.get(name, name)) for name in options.schemes],
            "frequency": [(name, name.capitalize()) for name in options.frequencies],
            "exclude_categories": [(name, name) for name in options.categories],
            "leave_out": list(options.tokens),
        }
        for name, given in choices.items():
            self.fields[name].choices = given  # type: ignore[attr-defined]
            if not given:
                del self.fields[name]
        if not base.overlay.regime:
            del self.fields["regime"]
        if base.screens.min_market_cap is None:
            self.fields["min_market_cap"].help_text = "Empty: no condition."

    def choices(self) -> Choices:
        """The cleaned form as Choices."""
        given = self.cleaned_data
        typed = given.get("also_leave_out", "").replace("\n", ",").split(",")
        exclude = {*given.get("leave_out", ()), *filter(None, (word.strip().lower() for word in typed))}
        return Choices(
            exclude=tuple(sorted(exclude)),
            exclude_categories=tuple(given.get("exclude_categories", ())),
            count=given["count"],
            scheme=given["scheme"],
            max_weight=given["max_weight"],
            min_market_cap=given.get("min_market_cap"),
            frequency=given["frequency"],
            drift_band=given["drift_band"],
            regime=given.get("regime"),
        )

    def refuse(self, error: MoneyError) -> None:
        """The refusal stands at the field it is about."""
        field = "also_leave_out" if error.field == "exclude" else error.field
        self.add_error(field if field in self.fields else None, error.message)


class NameForm(forms.Form):
    """What its owner calls an index."""

    name = forms.CharField(label="Name", max_length=64)

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)


def rules_initial(choices: Choices, tokens: Sequence[str], *, name: str = "") -> dict[str, Any]:
    """What the form shows for `choices`; tokens that stand in the list are ticked there, others are written out."""
    excluded = choices.exclude or ()
    return {
        "name": name,
        "count": choices.count,
        "scheme": choices.scheme,
        "max_weight": percent_typed(choices.max_weight),
        "min_market_cap": None if choices.min_market_cap is None else f"{choices.min_market_cap:,.0f}",
        "frequency": choices.frequency,
        "drift_band": percent_typed(choices.drift_band),
        "regime": choices.regime,
        "exclude_categories": list(choices.exclude_categories or ()),
        "leave_out": [slug for slug in excluded if slug in tokens],
        "also_leave_out": ", ".join(slug for slug in excluded if slug not in tokens),
    }


def percent_typed(fraction: Any) -> str:
    """A fraction as a person would type it in percent: 0.25 is `25`."""
    return "" if fraction is None else f"{fraction * 100:.6g}"
