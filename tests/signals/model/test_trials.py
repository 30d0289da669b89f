"""The public list of trials: complete, in order, unchanged."""

import json
from pathlib import Path

import pytest

from signals.core.model import INVESTOR, TRADER
from signals.core.model.trials import Trial, TrialError, registered, verified

LIST = Path(__file__).resolve().parents[3] / "docs" / "experiments.jsonl"


def three() -> list[str]:
    lines: list[str] = []
    for number in range(3):
        trial = registered(
            lines,
            kind="walk-forward",
            git_sha="0" * 40,
            spec={"penalty": number},
            data_hash="d" * 64,
            result={"ic": 0.1 * number},
        )
        lines.append(trial.line())
    return lines


def test_each_trial_follows_the_one_before():
    trials = verified(three())
    assert [trial.number for trial in trials] == [1, 2, 3]
    assert trials[0].previous == ""
    assert [trial.previous for trial in trials[1:]] == [trial.digest for trial in trials[:-1]]
    assert isinstance(trials[0], Trial)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_changed_result_is_found(at):
    lines = three()
    content = json.loads(lines[at])
    content["result"] = {"ic": 0.9}
    lines[at] = json.dumps(content)
    with pytest.raises(TrialError, match=f"trial {at + 1}: its digest"):
        verified(lines)


def test_a_trial_left_out_is_found():
    lines = three()
    with pytest.raises(TrialError, match="trial 2: says it is number 3"):
        verified([lines[0], lines[2]])


def test_a_trial_left_out_and_renumbered_is_found():
    lines = three()
    content = json.loads(lines[2]) | {"number": 2}
    with pytest.raises(TrialError, match="trial 2: does not follow"):
        verified([lines[0], json.dumps(content)])


def test_a_list_that_was_tampered_with_takes_no_further_trial():
    lines = three()
    lines[1] = lines[1].replace('"penalty":1', '"penalty":7')
    with pytest.raises(TrialError):
        registered(lines, kind="x", git_sha="", spec={}, data_hash="", result={})


def test_the_published_list_holds_and_has_the_published_models():
    trials = verified(LIST.read_text(encoding="utf-8").splitlines())
    assert len(trials) >= 57
    digests = {trial.spec.get("trader_digest") for trial in trials} | {
        trial.spec.get("investor_digest") for trial in trials
    }
    assert {TRADER.digest(), INVESTOR.digest()} <= digests
