"""One text for one content: canonical JSON and the SHA-256 of specifications and panels."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from signals.core.categories import declared
from signals.core.panel import FIELDS, Panel


def canonical_json(value: Any) -> str:
    """`value` as JSON with sorted keys and without blanks; a whole float is written as an integer.

    A database may hand 2.0 back as 2: both have the same text. Raises ValueError for NaN and infinities, and TypeError
    for what JSON cannot say.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def panel_digest(panel: Panel) -> str:
    """SHA-256, hexadecimal, of what the panel says: days, assets with declared kinds and first days, every number.

    Assets without a close in it do not count, nor does their order: a short panel and a long one cut to the same days
    have one digest. Kinds that are measured over a whole price path are no part of it, because nothing point-in-time
    may use them.
    """
    seen = ~np.isnan(panel.close).all(axis=0) if len(panel.dates) else np.zeros(len(panel.assets), dtype=bool)
    columns = sorted(np.flatnonzero(seen).tolist(), key=panel.assets.__getitem__)
    found = hashlib.sha256()
    found.update(panel.dates.to_numpy().astype("datetime64[D]").astype(">i8").tobytes())
    for column in columns:
        asset = panel.assets[column]
        kinds = ",".join(sorted(declared(panel.categories[asset])))
        found.update(f"{asset}\0{kinds}\0{panel.first_days[column]}\0".encode())
    for name in FIELDS:
        found.update(name.encode())
        values = getattr(panel, name)
        for column in columns:
            series = values[:, column]
            # One bit pattern for "unknown", big-endian on every machine.
            found.update(np.where(np.isnan(series), np.nan, series + 0.0).astype(">f8").tobytes())
    return found.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
