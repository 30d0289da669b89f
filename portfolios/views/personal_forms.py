"""What a person fills in about a portfolio of their own."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from portfolios.core.bands import PPM
from portfolios.errors import MoneyError
from portfolios.forms import AmountField, OnceForm, PercentField, percent_typed
from portfolios.selectors.personal import RISK_SHARES, Settings

_MILLION = Decimal(PPM)


class SettingsForm(forms.Form):
    """Settings of a personal portfolio. `q` narrows the list of tokens down; what is ticked stays in it."""

    name = forms.CharField(label="Name", max_length=64, required=False)
    max_weight = PercentField(label="None above, percent", help_text="100 leaves every weight as it is.")
    risk_share = forms.ChoiceField(label="At risk", help_text="The rest waits in a stablecoin or in dollars.")
    q = forms.CharField(label="Find a token", max_length=64, required=False)
    exclude = forms.MultipleChoiceField(
        label="Leave out", required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )

    def __init__(self, *args: Any, tokens: Sequence[tuple[str, str]], **more: Any) -> None:
        more.setdefault("label_suffix", "")
        super().__init__(*args, **more)
        self.fields["risk_share"].choices = [  # type: ignore[attr-defined]
            (str(share), f"{share // 10_000} %") for share in reversed(RISK_SHARES)
        ]
        self.fields["exclude"].choices = list(tokens)  # type: ignore[attr-defined]

    def settings(self) -> Settings:
        """The cleaned form as Settings."""
        given = self.cleaned_data
        return Settings(
            exclude=tuple(sorted(given["exclude"])),
            max_weight=int(given["max_weight"] * PPM) if given["max_weight"] is not None else PPM,
            risk_share=int(given["risk_share"]),
        )

    def refuse(self, error: MoneyError) -> None:
        """The refusal stands at the field it is about."""
        self.add_error(error.field if error.field in self.fields else None, error.message)

    def narrowed(self) -> None:
        """Only the tokens that were looked for, and those that are ticked, stay in the list."""
        wanted = str(self["q"].value() or "").strip().lower()
        ticked = set(self["exclude"].value() or ())
        field = self.fields["exclude"]
        field.choices = [  # type: ignore[attr-defined]
            (slug, label)
            for slug, label in field.choices  # type: ignore[attr-defined]
            if not wanted or slug in ticked or wanted in label.lower() or wanted in slug
        ]


def settings_initial(settings: Settings, name: str = "") -> dict[str, Any]:
    """What the form shows for these settings."""
    return {
        "name": name,
        "max_weight": percent_typed(settings.max_weight / _MILLION),
        "risk_share": str(settings.risk_share),
        "exclude": list(settings.exclude),
    }


class PersonalInvestForm(OnceForm):
    """Dollars into a personal portfolio."""

    amount = AmountField(label="Amount", error_messages={"required": "Nothing was moved: enter an amount."})


class PersonalRedeemForm(OnceForm):
    """Part of a personal portfolio in dollars or percent, or all of it."""

    amount = AmountField(label="Amount", required=False)
    percent = PercentField(label="or percent", required=False)
    everything = forms.BooleanField(label="Sell everything", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        said = [
            bool(cleaned.get("amount")),
            cleaned.get("percent") is not None,
            bool(cleaned.get("everything")),
        ]
        if not self.errors and sum(said) != 1:
            self.add_error(
                "amount", "Nothing was moved: enter an amount or a percentage, or sell everything."
            )
        return cleaned

    def size(self) -> dict[str, Any]:
        """The cleaned form as arguments of `book_redeem`."""
        if self.cleaned_data.get("amount"):
            return {"amount": self.cleaned_data["amount"]}
        if self.cleaned_data["everything"]:
            return {"share": PPM}
        return {"share": int(self.cleaned_data["percent"] * PPM)}
