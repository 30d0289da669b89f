"""Events read from plain data: checked, and in one order."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from indices.core.events.kinds import Airdrop, Delisting, Event, EventError, Halt, Redenomination
from indices.core.rulebook import terms, values
from indices.core.rulebook.values import RulebookError

_FIELDS: Mapping[str, tuple[dict[str, values.Reader], tuple[str, ...]]] = {
    "redenomination": ({"day": values.day, "ratio": values.number(0, above=True)}, ("day", "ratio")),
    "airdrop": (
        {
            "day": values.day,
            "into": values.text,
            "units_per_unit": values.number(0, above=True),
            "value_fraction": values.number(0, above=True),
        },
        ("day",),
    ),
    "halt": ({"from": values.day, "until": values.day}, ("from",)),
    "delisting": ({"day": values.day, "return": values.number(-1)}, ("day",)),
}


def events_from(data: Iterable[Mapping[str, Any]]) -> tuple[Event, ...]:
    """The events that `data` describes, in order of day, asset and kind.

    Each is {kind, asset, ...}: redenomination {day, ratio}, airdrop or fork {day, into, units_per_unit} or {day,
    value_fraction}, halt {from, until}, delisting {day, return}. Raises EventError, which names the event and field.
    """
    if isinstance(data, str | Mapping) or not isinstance(data, Iterable):
        raise EventError(f"events: must be a list of events, got {type(data).__name__}")
    found: list[Event] = []
    for place, item in enumerate(data):
        try:
            found.append(_event(f"events[{place}]", item))
        except RulebookError as error:
            raise EventError(str(error)) from error
    for place, event in enumerate(found):
        if event in found[:place]:
            raise EventError(f"events[{place}]: is there already: {event.to_dict()}; keep one")
    ends = {event.asset: event.day for event in found if isinstance(event, Delisting)}
    for place, event in enumerate(found):
        end = ends.get(event.asset)
        if end is not None and (event.day > end or (isinstance(event, Delisting) and event.day != end)):
            raise EventError(f"events[{place}]: {event.asset} ended on {end}; nothing can happen to it after")
    return tuple(sorted(found, key=lambda event: (event.day, event.asset, str(event.to_dict()))))


def events_from_yaml(source: str) -> tuple[Event, ...]:
    """The events in the YAML text `source`: a list, or a mapping with the list under `events`. Raises EventError."""
    try:
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise EventError(f"events: is not YAML: {' '.join(str(error).split())}") from error
    return events_from(
        data["events"] if isinstance(data, Mapping) and set(data) == {"events"} else data or []
    )


def _event(clause: str, item: Any) -> Event:
    if not isinstance(item, Mapping):
        raise RulebookError(clause, f"must be a mapping of {{kind, asset, ...}}, got {item!r}")
    kind = values.choice(*_FIELDS, "fork")(f"{clause}.kind", item.get("kind"))
    kind = "airdrop" if kind == "fork" else kind
    readers, required = _FIELDS[kind]
    readers = {"kind": values.text, "asset": values.text, **readers}
    found = terms.fields(clause, item, readers, required=("asset", *required))
    asset = found["asset"]
    if kind == "redenomination":
        return Redenomination(asset, found["day"], found["ratio"])
    if kind == "delisting":
        return Delisting(asset, found["day"], found.get("return"))
    if kind == "halt":
        if "until" in found and found["until"] <= found["from"]:
            raise RulebookError(
                f"{clause}.until", f"must be after from ({found['from']}), got {found['until']}"
            )
        return Halt(asset, found["from"], found.get("until"))
    if ("units_per_unit" in found) == ("value_fraction" in found):
        raise RulebookError(f"{clause}.units_per_unit", "or value_fraction is required, and not both")
    if "units_per_unit" in found and not found.get("into"):
        raise RulebookError(f"{clause}.into", "is required with units_per_unit")
    return Airdrop(
        asset,
        found["day"],
        found.get("into", ""),
        found.get("units_per_unit", 0.0),
        found.get("value_fraction", 0.0),
    )
