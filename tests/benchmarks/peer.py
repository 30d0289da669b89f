"""One process of the peers' environment, asked over a pipe."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.benchmarks.case import Case

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-bench" / "bin" / "python"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answer:
    """Processor seconds of the best run; level [day], weights [rebalance x asset], turnover [rebalance]."""

    seconds: float
    level: Array
    weights: Array
    turnover: Array


@dataclass
class Peers:
    """The running process; `folder` is for what is passed to and fro."""

    folder: Path
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        if not PYTHON.exists():
            pytest.skip("the peers are not installed: `make bench` puts them into .venv-bench")
        self.process = subprocess.Popen(
            [PYTHON, "-m", "tests.benchmarks.peers"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(self.folder)},
        )

    def ask(self, peer: str, case: Case, *, best_of: int = 1) -> Answer:
        """What `peer` says about `case`. Skips where it could not be loaded or run."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        given, out = self.folder / "case.npz", self.folder / "answer.npz"
        case.save(given)
        request = {"peer": peer, "case": str(given), "out": str(out), "best_of": best_of}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(f"{peer} did not answer; run it by hand: {PYTHON.name} -m tests.benchmarks.peers")
        with np.load(out) as stored:
            return Answer(json.loads(line)["seconds"], stored["level"], stored["weights"], stored["turnover"])

    def close(self) -> None:
        """The process has ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
