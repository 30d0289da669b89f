"""Every look at the data is counted: experiments, each chained to the one before, written once."""

import subprocess
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from signals.core.digest import canonical_json, digest
from signals.models import Experiment

# Two processes that append must agree on this number; it means nothing else.
_CHAIN_LOCK = 5_270_003


@transaction.atomic
def experiment_register(
    kind: str, spec: Mapping[str, Any], data_hash: str, result: Mapping[str, Any]
) -> Experiment:
    """The experiment is stored as the last of the chain, for good.

    `spec` says what was tried, `result` what came of it, `data_hash` what it looked at (SHA-256). Raises ValueError
    where one of them holds NaN or infinity: say null for what is not known.
    """
    for name, content in (("spec", spec), ("result", result)):
        try:
            canonical_json(content)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{name}: is not plain JSON ({error}); use null for what is not known."
            ) from error
    with connection.cursor() as cursor:
        # The first row has no predecessor to lock, so the chain itself is.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN_LOCK])
    last = Experiment.objects.order_by("-pk").values_list("digest", flat=True).first()
    row = Experiment(
        made_at=timezone.now(),
        kind=kind,
        code_version=code_version(),
        spec=dict(spec),
        spec_hash=digest(spec),
        data_hash=data_hash,
        result=dict(result),
        previous=last or "",
    )
    row.digest = experiment_digest(row)
    row.save(force_insert=True)
    return row


def experiments_verify() -> list[str]:
    """What is wrong with the chain, in words; empty where every digest and every link is right."""
    wrong = []
    previous = ""
    for row in Experiment.objects.order_by("pk").iterator():
        if row.previous != previous:
            wrong.append(f"experiment {row.pk}: does not follow the one before it")
        if row.digest != experiment_digest(row) or row.spec_hash != digest(row.spec):
            wrong.append(f"experiment {row.pk}: its content is not what was registered")
        previous = row.digest
    return wrong


def experiment_digest(row: Experiment) -> str:
    """SHA-256 of everything in the row but its number and the digest itself."""
    made: datetime = row.made_at
    return digest(
        {
            "made_at": made.astimezone(UTC).isoformat(),
            "kind": row.kind,
            "code_version": row.code_version,
            "spec": row.spec,
            "spec_hash": row.spec_hash,
            "data_hash": row.data_hash,
            "result": row.result,
            "previous": row.previous,
        }
    )


@lru_cache(maxsize=1)
def code_version() -> str:
    """The git commit of this code, or its release where it runs without a repository."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(settings.BASE_DIR), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        asked = None
    if asked is not None and asked.returncode == 0:
        return asked.stdout.strip()[:40]
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return f"release {project['project']['version']}"
