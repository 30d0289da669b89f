"""A sweep: the grid, the same figures here, in processes with a shared panel and in tasks, and nothing left behind."""

import json
import os
import signal
from datetime import date
from io import StringIO
from multiprocessing import active_children
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from indices.core.backtest import backtest
from indices.core.rulebook import Rulebook, RulebookError
from indices.core.sweeping import SweepError, Variant, tried, variant_count, variants
from indices.providers.workers import SharedPanel, WorkerLost, attached, tried_by_workers
from indices.services import sweep as sweeping
from tests.indices.markets import market
from tests.markets import market_store

PANEL = market(days=120, assets=14, gaps=0.02)
START, END = date(2020, 1, 8), PANEL.dates[-1].date()
BODY: dict[str, Any] = {"slug": "small", "family": "market_cap", "selection": {"count": 5, "buffer": 1}}
VARY: dict[str, list[Any]] = {
    "selection.count": [3, 6],
    "weighting.max_weight": [0.4, 1.0],
    "screens.min_market_cap": [None, {"enter": 2e8, "stay": 1e8}],
}
TEXT = json.dumps({"rulebook": BODY, "vary": VARY, "start": "2020-01-08"})


def test_a_grid_is_every_combination_and_the_last_path_turns_fastest() -> None:
    found = variants(BODY, VARY)
    assert [variant.number for variant in found] == list(range(8)) == list(range(variant_count(VARY)))
    assert found[1].settings == {
        "selection.count": 3,
        "weighting.max_weight": 0.4,
        "screens.min_market_cap": {"enter": 2e8, "stay": 1e8},
    }
    assert found[7].body["selection"] == {"count": 6, "buffer": 1}
    assert BODY["selection"] == {"count": 5, "buffer": 1}
    assert variants(BODY, VARY, low=3, high=5) == found[3:5]


def test_a_grid_that_cannot_be_is_refused() -> None:
    with pytest.raises(
        SweepError, match=r"^vary.selection.count: must be a list of values, at least one, got 5"
    ):
        variants(BODY, {"selection.count": 5})  # type: ignore[dict-item]
    with pytest.raises(SweepError, match=r"^vary: makes 1,000,000 variants; at most 100,000"):
        variants(BODY, {"selection.count": list(range(1000)), "selection.buffer": list(range(1000))})
    with pytest.raises(SweepError, match=r"^vary.slug.inner: slug is 'small' in the rulebook, not a clause"):
        variants(BODY, {"slug.inner": [1]})


def test_a_variant_that_is_no_rulebook_says_so_and_the_others_go_on() -> None:
    found = [
        tried(PANEL, variant, start=START, end=END)
        for variant in variants(BODY, {"weighting.min_weight": [0.0, 0.9]})
    ]
    assert found[0].error == ""
    assert found[1].error.startswith("weighting.min_weight: must not exceed max_weight")
    assert found[1].level is None


def test_processes_with_a_shared_panel_say_what_the_backtest_says() -> None:
    every = variants(BODY, VARY)
    found = sorted(
        tried_by_workers(PANEL, every, start=START, end=END, workers=2), key=lambda one: one.number
    )
    assert [one.number for one in found] == list(range(8))
    for one, variant in zip(found, every, strict=True):
        rulebook = Rulebook.from_dict(variant.body)
        result = backtest(PANEL, rulebook, start=START, end=END)
        assert (one.digest, one.level) == (rulebook.digest, result.level.iloc[-1])
        assert one.metrics == result.metrics
    assert active_children() == []


def test_the_shared_panel_is_the_panel_and_is_gone_afterwards() -> None:
    with SharedPanel(PANEL) as handle:
        memory, seen = attached(handle)
        assert seen.assets == PANEL.assets
        assert seen.dates.equals(PANEL.dates)
        for name in ("close", "market_cap", "volume"):
            assert np.array_equal(getattr(seen, name), getattr(PANEL, name), equal_nan=True)
            assert not getattr(seen, name).flags.writeable
        assert np.isnan(seen.open).all()
        del seen
        memory.close()
    with pytest.raises(FileNotFoundError):
        SharedMemory(handle.name)


def shared_memory() -> set[str]:
    """The names of what lies in shared memory now, where the system shows it."""
    folder = Path("/dev/shm")
    return {path.name for path in folder.glob("psm_*")} if folder.is_dir() else set()


def test_nothing_is_left_behind_by_a_caller_who_stops_listening() -> None:
    before = shared_memory()
    every = variants(BODY, {"costs.fee_bps": [float(bps) for bps in range(60)]})
    listening = tried_by_workers(PANEL, every, start=START, end=END, workers=2)
    next(listening)
    listening.close()
    assert active_children() == []
    assert shared_memory() <= before


def test_a_worker_that_dies_is_told_and_nothing_is_left_behind() -> None:
    every = variants(BODY, {"costs.fee_bps": [float(bps) for bps in range(60)]})
    listening = tried_by_workers(PANEL, every, start=START, end=END, workers=1)
    next(listening)
    (child,) = active_children()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(WorkerLost, match="a worker ended with exit code -9"):
        list(listening)
    assert active_children() == []


def test_an_error_of_the_engine_itself_is_not_hidden() -> None:
    broken = Variant(0, {}, {"slug": "x", "family": "market_cap"})
    with pytest.raises(WorkerLost, match="exit code 1"):
        list(tried_by_workers(PANEL, [broken], start="never", end=END, workers=1))  # type: ignore[arg-type]


def test_a_sweep_is_read_from_yaml() -> None:
    sweep = sweeping.sweep_read(TEXT, end=END)
    assert (sweep.count, sweep.start, sweep.end) == (8, START, END)
    assert sweep.first_panel_day == date(2020, 1, 8 - 1) - (date(2020, 1, 10) - date(2020, 1, 1))
    for text, said in (
        ("- a", "sweep: must be a mapping with rulebook, vary, start, end, got list"),
        ("a: [", "sweep: is not YAML"),
        ("rulebok: x", "rulebok: is not a field of a sweep"),
        ("vary: {selection.count: [1]}", "rulebook: must be the slug of a published index, or a rulebook"),
        ("rulebook: global-100", "vary: must name at least one clause"),
        ("{rulebook: global-100, vary: {selection.count: [1]}, start: soon}", "start: must be a day"),
    ):
        with pytest.raises(SweepError, match=said):
            sweeping.sweep_read(text, end=END)
    with pytest.raises(RulebookError, match=r"^selection.cuont: is not a field"):
        sweeping.sweep_read("{rulebook: global-100, vary: {selection.cuont: [1, 2]}}", end=END)


def test_blocks_for_the_queue_say_the_same(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "BLOCK", 3)
    market_store(PANEL)
    sweep = sweeping.sweep_read(TEXT, end=END)
    blocks = json.loads(json.dumps(sweeping.sweep_blocks(sweep)))
    assert [(block["low"], block["high"]) for block in blocks] == [(0, 3), (3, 6), (6, 8)]
    found = [line for block in blocks for line in sweeping.sweep_block(block)]
    here = list(sweeping.sweep_run(PANEL, sweep))
    assert [line["level"] for line in found] == [one.level for one in here]
    assert [line["number"] for line in found] == list(range(8))


def test_the_command_prints_a_table_csv_or_json(db: None, tmp_path: Path) -> None:
    market_store(PANEL)
    file = tmp_path / "sweep.yaml"
    file.write_text(TEXT)

    def said(*more: str) -> str:
        out = StringIO()
        call_command("backtest_sweep", str(file), "--workers", "1", *more, stdout=out, stderr=StringIO())
        return out.getvalue()

    document = json.loads(said("--format", "json"))
    here = list(sweeping.sweep_run(PANEL, sweeping.sweep_read(TEXT, end=END)))
    assert [line["level"] for line in document] == [one.level for one in here]
    lines = said("--sort", "level").splitlines()
    assert lines[0].split()[:4] == [
        "selection.count",
        "weighting.max_weight",
        "screens.min_market_cap",
        "level",
    ]
    assert len(lines) == 9
    best = max(here, key=lambda one: one.level or 0.0)
    assert lines[1].split()[0] == str(best.settings["selection.count"])
    assert said("--format", "csv").splitlines()[0].startswith("selection.count,weighting.max_weight,")
    with pytest.raises(CommandError, match=r"workers: must be at least 1, got 0"):
        said("--workers", "0")
    with pytest.raises(CommandError, match=r"give either --queue or --archive"):
        said("--queue", "--archive", str(tmp_path))
