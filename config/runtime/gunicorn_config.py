"""gunicorn's settings, for `up` and for a container alike. HOST, PORT, WEB_WORKERS, WEB_THREADS decide."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

from config.runtime.paths import var_dir
from config.runtime.spawning import die_with_parent

bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
preload_app = True  # one import for all workers: half the start, shared memory
timeout = 60
graceful_timeout = 5
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
accesslog = "-"
# No query string: it may carry what a person searched for.
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'


def _shared_counters() -> str:
    """An empty folder in which all workers count together; prometheus_client asks for it when it is imported."""
    counters = var_dir(os.environ) / "run" / "metrics"
    shutil.rmtree(counters, ignore_errors=True)
    counters.mkdir(parents=True)
    return str(counters)


os.environ["PROMETHEUS_MULTIPROC_DIR"] = _shared_counters()


def post_fork(server: Any, worker: Any) -> None:
    """A worker whose master is killed ends at once, and with it its hold on the port."""
    die_with_parent(os.getppid(), signal.SIGKILL)


def child_exit(server: Any, worker: Any) -> None:
    """What a worker counted stays in the sums after its end."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
