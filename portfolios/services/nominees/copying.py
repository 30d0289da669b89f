"""Rows of whole numbers to and from PostgreSQL's binary COPY, without a Python object per number.

The format is that of https://www.postgresql.org/docs/15/sql-copy.html ("Binary Format"). Every row here has the same
length, so a numpy record describes it and a block is one array of them.
"""

import numpy as np
import numpy.typing as npt

from portfolios.core.bulk.whole import Whole

Records = npt.NDArray[np.void]

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_BIGINT_OID = 20


class CopyError(ValueError):
    """What the database sent does not have the form that was asked for."""


def row_type(*columns: str, assets: int, mask: int = 0) -> np.dtype[np.void]:
    """The record of a row with these columns, each `name` of a bigint, `name[]` of a bigint array with one element per
    asset, or `name#` of a bytea of `mask` bytes."""
    element = np.dtype([("length", ">i4"), ("value", ">i8")])
    fields: list[tuple[str, str] | tuple[str, str | np.dtype[np.void], tuple[int]]] = [("count", ">i2")]
    for column in columns:
        name = column.rstrip("[]#")
        fields.append((f"{name}_length", ">i4"))
        if column.endswith("[]"):
            fields += [(f"{name}_{part}", ">i4") for part in ("dimensions", "nulls", "oid", "size", "lower")]
            fields.append((name, element, (assets,)))
        else:
            fields.append((name, "u1", (mask,)) if column.endswith("#") else (name, ">i8"))
    return np.dtype(fields)


def encoded(kind: np.dtype[np.void], columns: dict[str, Whole]) -> bytes:
    """A whole COPY stream of rows of `kind`; arrays are [row] for a bigint and [asset x row] for an array."""
    count = len(next(iter(columns.values())).T)
    rows = np.zeros(count, dtype=kind)
    rows["count"] = len(columns)
    for name, values in columns.items():
        if values.ndim == 1:
            rows[f"{name}_length"] = 8
            rows[name] = values
            continue
        assets = len(values)
        rows[f"{name}_length"] = 20 + 12 * assets
        rows[f"{name}_dimensions"], rows[f"{name}_oid"] = 1, _BIGINT_OID
        rows[f"{name}_size"], rows[f"{name}_lower"] = assets, 1
        rows[name]["length"] = 8
        rows[name]["value"] = values.T
    return _SIGNATURE + rows.tobytes() + _TRAILER


def decoded(kind: np.dtype[np.void], stream: bytes) -> Records:
    """The rows of a COPY stream. Raises CopyError where a row has another form (a NULL, an array of another size)."""
    body = memoryview(stream)[len(_SIGNATURE) : -len(_TRAILER)]
    if not stream.startswith(_SIGNATURE[:11]) or len(body) % kind.itemsize:
        raise CopyError("books: the rows do not all have the same form; see whether arrays fit their basket")
    rows = np.frombuffer(body, dtype=kind)
    for name in kind.names or ():
        if name.endswith("_length") and len(rows) and (rows[name] != rows[name][0]).any():
            raise CopyError(f"books: {name.removesuffix('_length')} has not the same size in all rows")
    return rows


def arrays(stream: bytes) -> list[Whole]:
    """The bigint arrays of a COPY stream of one row; NULL is an empty one. One row of long arrays comes in one piece,
    where a million rows would be a million messages. Raises CopyError."""
    element = np.dtype([("length", ">i4"), ("value", ">i8")])
    place = len(_SIGNATURE) + 2
    count = int.from_bytes(stream[len(_SIGNATURE) : place], "big", signed=True)
    found = []
    for _ in range(count):
        length = int.from_bytes(stream[place : place + 4], "big", signed=True)
        place += 4
        if length < 0:
            found.append(np.zeros(0, dtype=np.int64))
            continue
        body = np.frombuffer(stream[place + 20 : place + length], dtype=element)
        if len(body) and (body["length"] != 8).any():
            raise CopyError("arrays: there is an element that is no bigint")
        found.append(body["value"].astype(np.int64))
        place += length
    if stream[place:] != _TRAILER:
        raise CopyError("arrays: there is more than one row")
    return found


def matrix(rows: Records, name: str) -> Whole:
    """[asset x row] of an array column."""
    return np.ascontiguousarray(rows[name]["value"].T, dtype=np.int64)


def column(rows: Records, name: str) -> Whole:
    """[row] of a bigint column."""
    return rows[name].astype(np.int64)
