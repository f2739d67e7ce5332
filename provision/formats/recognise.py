"""Which format a set of files has, from their names and headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.errors import RosterError
from provision.formats.columns import passed_over
from provision.formats.format import Format, bare
from provision.formats.scan import shown

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

    A missing or misspelled column, or one missing file, does not hide the format, so that it can be named. Raises
    `RosterError` that says what was found and what each format would need.
    """
    present = frozenset(bare(name).lower() for name in (*headers, *accept_missing))
    misfits = {each.name: _misfit(each, headers) for each in formats if each.plausible(present)}
    best = min(misfits.values(), default=None)
    fitting = [each for each in formats if each.name in misfits and misfits[each.name] == best]
    if len(fitting) == 1 and not any(_rivals(each, fitting[0], present, headers) for each in formats):
        return fitting[0]
    what = "fits several formats" if fitting else "is in no format that provision knows"
    found = f"Found: {', '.join(map(shown, headers))}."
    needs = [_needs(each, present, headers) for each in formats]
    raise RosterError(f"The set of files {what}.", [found, *needs, "Name the format with --format, or mend the set."])


def _misfit(each: Format, headers: Headers) -> float:
    """How far the set is from the format.

    Files share names across formats, so of each file count the share of the required columns that it lacks and the
    share of its columns that the format does not know. A file that the format does not know counts as one that does
    not fit at all, a missing one little: files that are there say more than those that are not.
    """
    absent = each.needed(frozenset(bare(name).lower() for name in headers))
    return len(absent) / 4 + sum(_strangeness(each, name, cells) for name, cells in headers.items() if cells)


def _strangeness(each: Format, name: str, cells: Sequence[str]) -> float:
    file = each.file(name)
    if not file:
        return 0.0 if each.leaves(name) else 1.0
    read = {file.cell_of(header, cells) for header in file.headers()}
    unknown = sum(place not in read and not passed_over(each, file, cell) for place, cell in enumerate(cells) if cell)
    return len(file.lacks(cells)) / max(len(file.required), 1) + unknown / len(cells)


def _rivals(other: Format, best: Format, present: frozenset[str], headers: Headers) -> bool:
    """Whether the set also holds the whole of another format, in files that the best one does not read."""
    if other.needed(present) or missing_headers(other, headers):
        return False
    return any(other.file(name) and not best.file(name) for name in headers)


def missing_headers(each: Format, headers: Headers) -> list[tuple[str, list[str]]]:
    """Files of the set, with the required headers that each lacks."""
    known = [(name, file.lacks(cells)) for name, cells in headers.items() if (file := each.file(name))]
    return [(name, missing) for name, missing in known if missing]


def _needs(each: Format, present: frozenset[str], headers: Headers) -> str:
    files = each.needed(present)
    if files:
        return f"{each.name} would need {', '.join(files)} as well."
    columns = [f"{', '.join(missing)} in {name}" for name, missing in missing_headers(each, headers)]
    return f"{each.name} would need {'; '.join(columns)}." if columns else f"{each.name} would fit."
