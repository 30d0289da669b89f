"""What may be said at which evidence level, and a report as plain JSON."""

import json

import numpy as np
import pytest

from signals.core.report import WORDING, Chart, Column, Gate, Report, Table, evidence_level
from signals.core.report.gates import HONEST, LESS_FALL, LIVE, OUT_OF_SAMPLE, judged, not_run, summary, told


def gate(key: str, *, passed: bool | None = True) -> Gate:
    return Gate(key=key, name=key, measures="m", limit="l", passed=passed)


@pytest.mark.parametrize(
    ("needed", "level"), [(HONEST, "E0"), (LESS_FALL, "E1"), (OUT_OF_SAMPLE, "E2"), (LIVE, "E3")]
)
def test_each_level_needs_every_one_of_its_gates(needed, level):
    gates = [gate(key) for key in sorted(needed)]
    assert evidence_level(gates) == level
    for missing in sorted(needed):
        for verdict in (False, None):
            rest = [gate(key, passed=verdict if key == missing else True) for key in sorted(needed)]
            assert evidence_level(rest) < level or level == "E0"
        assert evidence_level([one for one in gates if one.key != missing]) < level or level == "E0"


def test_a_level_is_no_shortcut_past_the_one_below():
    assert evidence_level([gate(key) for key in LIVE - {"canary"}]) == "E0"
    assert evidence_level([gate(key) for key in LIVE - {"drawdown"}]) == "E0"
    assert evidence_level([gate(key) for key in LIVE - {"residual_ic"}]) == "E1"
    assert evidence_level([]) == "E0"


def test_there_is_one_sentence_per_level():
    assert list(WORDING) == ["E0", "E1", "E2", "E3"]
    assert "no evidence" in WORDING["E0"]
    assert not any("beat" in text or "guarantee" in text for text in WORDING.values())


def test_a_figure_that_is_not_known_does_not_pass():
    made = judged("k", "n", "m", "l", passed=True, figure=float("nan"), shown="nan")
    assert (made.passed, made.figure, made.shown, made.verdict) == (False, None, "not known", "FAIL")


def test_lines_say_the_verdict_first():
    assert (
        judged("k", "IC", "t", "≥ 3", passed=True, figure=4.0, shown="4.00").line()
        == "PASS     IC: t 4.00 (limit ≥ 3)"
    )
    assert not_run("k", "Live", "ir", "> 0", "no live weeks").line() == (
        "NOT RUN  Live: ir – (limit > 0). no live weeks"
    )


def test_the_document_is_plain_json_with_null_for_what_is_unknown():
    report = Report(
        made={"seed": 7},
        span=("2022-01-02", "2022-12-25"),
        gates=[gate("a"), gate("b", passed=False), gate("c", passed=None)],
        tables={
            "t": Table(
                "T", [Column("x", "text"), Column("y")], [["one", np.float64(0.5)], ["two", float("inf")]]
            )
        },
        charts={"c": Chart("C", ["2022-01-02"], {"line": [float("nan")]})},
    )
    document = json.loads(json.dumps(report.document(), allow_nan=False))
    assert document["tables"]["t"]["rows"] == [["one", 0.5], ["two", None]]
    assert document["charts"]["c"]["lines"] == {"line": [None]}
    assert document["span"] == ["2022-01-02", "2022-12-25"]
    assert document["summary"] == {"passed": 1, "failed": 1, "not_run": 1}
    assert (document["evidence"], document["wording"]) == ("E0", WORDING["E0"])
    assert [one["passed"] for one in document["gates"]] == [True, False, None]


def test_summary_and_cells():
    assert summary([]) == {"passed": 0, "failed": 0, "not_run": 0}
    assert told(np.float64(3.5)) == 3.5
    assert told(None) is None
