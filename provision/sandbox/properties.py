"""Properties and the types that have them: what values are good, when they may be set, how they show."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from provision.sandbox import errors
from provision.sandbox.tenant import Values


@dataclass(frozen=True, slots=True)
class Property:
    """One property: the check its values must pass and when they may be set."""

    good: Callable[[object], bool]
    many: bool = False
    create: bool = True
    update: bool = True
    clear: bool = True
    parts: Mapping[str, Property] = field(default_factory=dict)

    def empty(self) -> list[object] | None:
        """What stands for "never set" in an answer."""
        return [] if self.many else None


@dataclass(frozen=True, slots=True)
class Resource:
    """A type: its name in messages and on the wire, its properties, and how lists of it may be queried."""

    name: str
    wire: str
    context: str
    properties: Mapping[str, Property]
    required: tuple[str, ...]
    filterable: tuple[str, ...]
    shown: tuple[str, ...]
    """What an answer has without `$select`."""

    def has(self, name: str) -> bool:
        """Whether the type has this property; directory extensions are taken on trust."""
        return name in self.properties or name.startswith("extension_")

    def view(self, values: Values, names: tuple[str, ...] | None) -> Values:
        """An object as an answer shows it: the selected properties, or the default ones."""
        get = values.get
        properties = self.properties
        shown = {}
        for name in names or self.shown:
            value = get(name)
            shown[name] = properties[name].empty() if value is None and name in properties else value
        return shown


# -- kinds of values


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


def _is_country(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{2}", value) is not None


def date() -> Property:
    """A day, YYYY-MM-DD."""
    return Property(_is_date)


def country() -> Property:
    """Two letters of ISO 3166; cannot be cleared."""
    return Property(_is_country, clear=False)


def text(longest: int = 0, *, clear: bool = True) -> Property:
    """A string, at most `longest` characters if that is not 0."""
    return Property(lambda value: isinstance(value, str) and (not longest or len(value) <= longest), clear=clear)


def texts() -> Property:
    """A list of strings; `[]` empties it, null is refused."""
    return Property(
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
        many=True,
        clear=False,
    )


def one_of(*choices: str, clear: bool = True) -> Property:
    """An enumeration."""
    return Property(lambda value: value in choices, clear=clear)


def flag(*, clear: bool = True) -> Property:
    """true or false."""
    return Property(lambda value: isinstance(value, bool), clear=clear)


def moment() -> Property:
    """An ISO 8601 date and time."""
    return Property(lambda value: isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) is not None)


def complex_(**parts: Property) -> Property:
    """An object with named parts."""
    return Property(lambda value: isinstance(value, dict), parts=parts)


def list_of(**parts: Property) -> Property:
    """A list of such objects."""
    return Property(
        lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value),
        many=True,
        clear=False,
        parts=parts,
    )


def computed(*, many: bool = False) -> Property:
    """Only the service sets it."""
    return Property(lambda _: False, many=many, create=False, update=False)


def once(prop: Property) -> Property:
    """It can be set at creation only."""
    return replace(prop, update=False)


# -- bodies of writes


def read_body(resource: Resource, body: Values, *, creating: bool) -> Values:
    """The properties that `body` sets, checked. Annotations (`@odata.…`, `…@odata.bind`) are left out.

    Raises `GraphError`: unknown or read-only names, wrong values, what is required and missing.
    """
    given = {name: value for name, value in body.items() if "@odata." not in name}
    if creating:
        for name in resource.required:
            if given.get(name) in (None, "", {}):
                raise errors.value_required(name, resource.name)
    for name, value in given.items():
        _check(resource, name, value, creating)
    return {name: _plain(value) for name, value in given.items()}


def _check(resource: Resource, name: str, value: object, creating: bool) -> None:
    prop = resource.properties.get(name)
    if prop is None:
        if name.startswith("extension_"):
            return
        raise errors.unknown_property(name)
    if not (prop.create if creating else prop.update):
        raise errors.read_only(name)
    if value is None:
        if not prop.clear:
            raise errors.invalid_value(name, resource.name)
    elif not prop.good(value):
        raise errors.invalid_value(name, resource.name)
    else:
        _check_parts(resource, name, prop, value)


def _check_parts(resource: Resource, name: str, prop: Property, value: object) -> None:
    items: list[Values] = value if isinstance(value, list) else [value]  # type: ignore[list-item]  # `good` said so
    for item in items if prop.parts else ():
        for part, inner in item.items():
            if "@odata." in part:
                continue
            if part not in prop.parts:
                raise errors.unknown_property(f"{name}/{part}")
            if inner is not None and not prop.parts[part].good(inner):
                raise errors.invalid_value(f"{name}/{part}", resource.name)


def _plain(value: object) -> object:
    """The value without the type annotations that the SDK adds to complex ones."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if "@odata." not in name}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def merge(old: Values, new: Values) -> Values:
    """What a PATCH sets: complex values are merged part by part, as OData asks, everything else replaced."""
    merged = {}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            value = {part: inner for part, inner in {**before, **value}.items() if inner is not None}
        merged[name] = value
    return merged
