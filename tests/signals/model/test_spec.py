"""What a model is made of, and which day it is trained through."""

from dataclasses import replace
from datetime import date

import pytest

from signals.core.features import catalogue
from signals.core.model import INVESTOR, TRADER, Spec, SpecError, per_token, training_day


@pytest.mark.parametrize(
    ("day", "through"),
    [
        (date(2022, 3, 31), date(2022, 3, 31)),
        (date(2022, 3, 30), date(2021, 12, 31)),
        (date(2022, 1, 1), date(2021, 12, 31)),
        (date(2022, 12, 31), date(2022, 12, 31)),
        (date(2022, 10, 2), date(2022, 9, 30)),
        (date(2024, 2, 29), date(2023, 12, 31)),
    ],
)
def test_a_day_is_graded_by_the_model_of_the_last_quarter_end(day, through):
    assert training_day(day) == through


def test_the_published_models_read_over_eighty_features_that_every_archive_has():
    inputs = {feature.name: set(feature.inputs) for feature in catalogue()}
    assert TRADER.names == INVESTOR.names == per_token()
    assert len(per_token()) >= 80
    assert not any(inputs[name] & {"open", "high", "low"} for name in per_token())
    assert len(per_token(wide=True)) > len(per_token())


def test_features_that_tell_the_survivors_are_left_out():
    assert not {"sector_mom_28", "rel_sector_28"} & set(per_token(wide=True))


def test_shared_features_are_left_out():
    shared = {feature.name for feature in catalogue() if feature.shared}
    assert shared
    assert not shared & set(per_token(wide=True))


def test_a_spec_comes_back_from_its_dictionary_with_the_same_digest():
    again = Spec.from_dict(TRADER.as_dict())
    assert again.digest() == TRADER.digest()
    assert again.names == TRADER.names
    assert TRADER.digest() != INVESTOR.digest()


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"kind": "oracle"}, "kind"), ({"target": "truth"}, "target"), ({"penalty": 0.0}, "penalty")],
)
def test_a_spec_that_cannot_be_is_refused_by_name(changes, field):
    with pytest.raises(SpecError, match=field):
        Spec(**{"name": "x", "kind": "ridge", "horizon": 7, **changes})


def test_an_unknown_field_is_refused_by_name():
    with pytest.raises(SpecError, match="depth"):
        Spec.from_dict(TRADER.as_dict() | {"depth": 3})


def test_another_method_is_another_specification() -> None:
    second = replace(TRADER, method=2)
    assert second.digest() != TRADER.digest()
    assert Spec.from_dict(second.as_dict()) == replace(second, features=second.names)
    assert "method" not in TRADER.as_dict()
