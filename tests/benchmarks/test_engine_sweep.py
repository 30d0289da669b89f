"""A thousand variants of one rulebook on 100 assets over five years: by processes that share the panel, and by Celery
workers, one and then two.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from indices.providers.workers import tried_by_workers
from indices.services.sweep import Sweep, sweep_blocks, sweep_read, sweep_run
from indices.tasks import sweep_step
from tests.benchmarks.case import case
from tests.benchmarks.test_engine import panel_of, report
from tests.markets import market_store

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 10.0
MARKET = case(100, 1826)
PANEL = panel_of(MARKET)
BUSY = 3.0
START, END = PANEL.dates[7].date(), PANEL.dates[-1].date()
VARY: dict[str, list[Any]] = {
    "selection.count": [10, 20, 30, 50, 75],
    "selection.buffer": [0, 5],
    "weighting.scheme": ["market_cap", "sqrt_market_cap"],
    "weighting.max_weight": [0.1, 0.15, 0.25, 0.4, 1.0],
    "costs.fee_bps": [0, 5, 10, 25, 50],
    "calendar.lag_days": [0, 1],
}


def sweep_of(vary: dict[str, list[Any]], end: date) -> Sweep:
    body = {"slug": "swept", "family": "market_cap", "universe": {"exclude_categories": []}}
    return sweep_read(json.dumps({"rulebook": body, "vary": vary, "start": START.isoformat()}), end=end)


def test_a_thousand_variants_in_ten_seconds() -> None:
    from indices.core.sweeping import variants

    sweep = sweep_of(VARY, END)
    assert sweep.count == 1000
    every = variants(sweep.body, sweep.vary)
    before, began = sum(os.times()[:4]), time.perf_counter()
    found = sorted(
        tried_by_workers(PANEL, every, start=START, end=END, workers=2), key=lambda one: one.number
    )
    seconds, spent = time.perf_counter() - began, sum(os.times()[:4]) - before
    load = os.getloadavg()[0]
    report(f"\n1,000 variants, 2 processes: {seconds:.1f} s, {spent:.1f} s of processor, load {load:.1f}")
    assert [one.number for one in found] == list(range(1000))
    assert not [one.error for one in found if one.error]
    some = list(sweep_run(PANEL, sweep_of({**VARY, "costs.fee_bps": [10], "selection.count": [20]}, END)))
    by_settings = {json.dumps(one.settings, sort_keys=True): one.level for one in found}
    assert all(by_settings[json.dumps(one.settings, sort_keys=True)] == one.level for one in some)
    if load > BUSY:
        pytest.skip(f"other work keeps the processors busy (load average {load:.1f}): seconds say nothing")
    assert seconds < LIMIT_SECONDS


@contextmanager
def workers(count: int) -> Iterator[None]:
    """`count` Celery worker processes on the database and the queue of this test."""
    from django.db import connection

    settings = connection.settings_dict
    address = os.environ["DATABASE_URL"].rpartition("/")
    name, _, query = address[2].partition("?")
    assert name
    url = f"{address[0]}/{settings['NAME']}" + (f"?{query}" if query else "")
    running = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "config", "worker", "-c", str(count), "-l", "WARNING"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(timeout=60)


@pytest.mark.django_db(transaction=True)
def test_the_same_through_workers_and_its_slope() -> None:
    market_store(PANEL)
    sweep = sweep_of({**VARY, "costs.fee_bps": [10, 25]}, END)
    here = [one.level for one in sweep_run(PANEL, sweep)]
    rates = {}
    for count in (1, 2):
        with workers(count):
            # Each worker reads the panel before the clock starts.
            for block in [sweep_step.delay(each) for each in sweep_blocks(sweep)[: 2 * count]]:
                block.get(timeout=300, interval=0.05)
            began = time.perf_counter()
            sent = [sweep_step.delay(each) for each in sweep_blocks(sweep)]
            found = [line for block in sent for line in block.get(timeout=300, interval=0.05)]
            rates[count] = sweep.count / (time.perf_counter() - began)
        assert [line["level"] for line in found] == here
    slope = rates[2] / rates[1]
    report(
        f"\n{sweep.count} variants through Celery: {rates[1]:.0f} a second with one worker, {rates[2]:.0f} with two: "
        f"{slope:.2f} times; load {os.getloadavg()[0]:.1f}"
    )
    if os.getloadavg()[0] > BUSY:
        pytest.skip("other work keeps the processors busy: the slope says nothing")
    assert slope > 1.5
