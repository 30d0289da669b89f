"""The register of experiments: a chain that cannot be changed, and alerts that are raised once."""

from __future__ import annotations

import math
from datetime import date

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError

from signals import selectors, services
from signals.core.digest import canonical_json, digest
from signals.models import Alert, Experiment, ModelRun
from signals.services.experiments import experiment_digest, experiments_verify

pytestmark = pytest.mark.django_db


def register(number: float = 1.0, kind: str = "training") -> Experiment:
    return services.experiment_register(
        kind=kind, spec={"alpha": number}, data_hash="d" * 64, result={"ic": 0.05, "weeks": 120.0}
    )


def test_canonical_json_is_one_text_for_one_content() -> None:
    assert canonical_json({"b": 2.0, "a": [1.5, None, (True, "é")]}) == '{"a":[1.5,null,[true,"é"]],"b":2}'
    assert digest({"x": 1e22}) == digest({"x": 10**22})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": math.nan})


def test_each_experiment_follows_the_one_before() -> None:
    first, second = register(1e22), register(2.5)
    assert first.previous == ""
    assert second.previous == first.digest
    assert second.spec_hash == digest({"alpha": 2.5})
    stored = Experiment.objects.get(pk=first.pk)
    assert stored.digest == experiment_digest(stored)
    assert len(stored.code_version) == 40 or stored.code_version.startswith("release ")
    assert experiments_verify() == []
    assert selectors.experiment_count() == 2


def test_what_is_not_known_must_be_null() -> None:
    with pytest.raises(ValueError, match=r"^result: is not plain JSON"):
        services.experiment_register(kind="training", spec={}, data_hash="", result={"ic": math.nan})
    assert Experiment.objects.count() == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE signals_experiment SET kind = 'x'", "DELETE FROM signals_experiment"]
)
def test_the_database_refuses_to_change_an_experiment(statement: str) -> None:
    register()
    with (
        pytest.raises((IntegrityError, InternalError), match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert Experiment.objects.count() == 1


def test_the_database_refuses_to_change_a_model() -> None:
    run = ModelRun.objects.create(
        name="trader",
        trained_through=date(2022, 9, 30),
        spec={},
        spec_hash="s",
        data_hash="d",
        code_version="c",
        seed=1,
        text="model",
        sha256="0",
    )
    for change in (lambda: ModelRun.objects.update(text="other"), run.delete):
        with pytest.raises((IntegrityError, InternalError), match="append-only"), transaction.atomic():
            change()
    run.refresh_from_db()
    assert run.text == "model"


def test_a_tampered_chain_is_noticed() -> None:
    register(1.5)
    register(2.5)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signals_experiment DISABLE TRIGGER experiment_append_only")
        cursor.execute("UPDATE signals_experiment SET result = '{\"ic\": 0.5}' WHERE previous = ''")
        cursor.execute("ALTER TABLE signals_experiment ENABLE TRIGGER experiment_append_only")
    [wrong] = experiments_verify()
    assert "its content is not what was registered" in wrong


def test_the_last_validation_is_found() -> None:
    assert selectors.validation_latest() is None
    register(kind="validation")
    register(kind="training")
    found = selectors.validation_latest()
    assert found is not None
    assert found["ic"] == 0.05
    assert found["made_at"] == Experiment.objects.get(kind="validation").made_at


def test_an_alert_is_raised_once_and_cleared_once() -> None:
    day = date(2022, 6, 5)
    first = services.alert_raise("feature_drift", as_of=day, text="vol_30d has drifted")
    again = services.alert_raise("feature_drift", as_of=date(2022, 6, 6), text="two have drifted")
    assert again.pk == first.pk
    assert (again.as_of, again.text) == (day, "two have drifted")
    assert [alert.kind for alert in selectors.alerts_open()] == ["feature_drift"]
    assert services.alert_clear("feature_drift", as_of=date(2022, 6, 7)) == 1
    assert services.alert_clear("feature_drift", as_of=date(2022, 6, 8)) == 0
    assert Alert.objects.get().cleared_on == date(2022, 6, 7)
    services.alert_raise("feature_drift", as_of=date(2022, 6, 9), text="again")
    assert Alert.objects.count() == 2
