"""Which format a set of files has, from their names and headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.errors import RosterError
from provision.formats.format import Format

Headers = Mapping[str, Sequence[str]]
"""File name -> its header cells; no cells where the header could not be read."""


def by_name(formats: Sequence[Format], wanted: str) -> Format:
    """The format called `wanted`; raises `RosterError` with the names there are."""
    for each in formats:
        if each.name == wanted:
            return each
    known = ", ".join(each.name for each in formats)
    raise RosterError(f"There is no roster format '{wanted}'.", [f"Use auto or one of: {known}."])


def recognise(formats: Sequence[Format], headers: Headers, accept_missing: frozenset[str]) -> Format:
    """The one format whose files are all there and whose headers fit best.

    A missing column, or a missing file of classes, does not hide the format, so that it can be named. Raises
    `RosterError` that says what was found and what each format would need.
    """
    present = frozenset(name.lower() for name in (*headers, *accept_missing))
    lacking = {
        each.name: (_lacking_headers(each, headers), _absent_files(each, headers))
        for each in formats
        if each.plausible(present)
    }
    best = min(lacking.values(), default=None)
    fitting = [each for each in formats if each.name in lacking and lacking[each.name] == best]
    if len(fitting) == 1:
        return fitting[0]
    what = "fits several formats" if fitting else "is in no format that provision knows"
    found = f"Found: {', '.join(headers)}."
    needs = [_needs(each, present, headers) for each in formats]
    raise RosterError(f"The set of files {what}.", [found, *needs, "Name the format with --format, or mend the set."])


def _lacking_headers(each: Format, headers: Headers) -> int:
    return sum(len(missing) for _, missing in missing_headers(each, headers))


def _absent_files(each: Format, headers: Headers) -> int:
    """Files that the format always needs and that are not there, be they excused or not."""
    there = {name.lower() for name in headers}
    return sum(file.need == "always" and file.name.lower() not in there for file in each.files)


def missing_headers(each: Format, headers: Headers) -> list[tuple[str, list[str]]]:
    """Files of the set, with the required headers that each lacks."""
    lacking = []
    for name, cells in headers.items():
        file, there = each.file(name), {cell.lower() for cell in cells}
        if file:
            lacking.append((name, [header for header in file.required if header.lower() not in there]))
    return [(name, missing) for name, missing in lacking if missing]


def _needs(each: Format, present: frozenset[str], headers: Headers) -> str:
    files = each.needed(present)
    if files:
        return f"{each.name} would need {', '.join(files)} as well."
    columns = [f"{', '.join(missing)} in {name}" for name, missing in missing_headers(each, headers)]
    return f"{each.name} would need {'; '.join(columns)}." if columns else f"{each.name} would fit."
