"""What a roster file format is: its files, their headers, and how they map onto the roster tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from provision.roster.fill import Into, Made

Need = Literal["always", "classes", "optional"]


def bare(name: str) -> str:
    """A file's name without the package that it lies in: `changes.zip/users.csv` is a `users.csv`."""
    return name.rpartition("/")[2]


@dataclass(frozen=True)
class File:
    """One CSV file of a format.

    `required` headers must be there and have a value in every record; every other header may be absent.
    `need` says when the file itself must be there: always, as soon as one of the other "classes" files is, or
    never. Rows for which `gone` is true are as good as absent. A file with `refused` stops the run, and `refused`
    says why. `ignored` headers belong to the file and say nothing to us; `older` maps the names that headers had in
    an older version onto their names now. `key` is the header with the id of a record, by which a file of changes
    replaces and deletes (see `provision/formats/changes.py`).
    """

    name: str
    required: tuple[str, ...]
    into: tuple[Into, ...] = ()
    need: Need = "always"
    gone: Made | None = None
    refused: str = ""
    ignored: tuple[str, ...] = ()
    older: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    def headers(self) -> tuple[str, ...]:
        """Every header that is read, the required ones first, each once."""
        read = [header for into in self.into for header in into.headers()]
        return tuple(dict.fromkeys((*self.required, *read, *(self.gone.headers() if self.gone else ()))))

    def marks(self, *, with_key: bool) -> frozenset[str]:
        """The required headers of which nothing is read but whether there is a value. `with_key`: the key counts."""
        read = {header for into in self.into for header in into.headers()}
        read |= {*(self.gone.headers() if self.gone else ()), *([self.key] if with_key else [])}
        return frozenset(self.required) - read

    def dates(self) -> frozenset[str]:
        """The headers of which nothing is read but a date."""
        dated = {header for into in self.into for header in into.dates()}
        others = {header for into in self.into for header in {*into.headers()} - into.dates()}
        return frozenset(dated - others - {self.key, *(self.gone.headers() if self.gone else ())})

    def cell_of(self, header: str, cells: Sequence[str]) -> int | None:
        """Which of the cells of a header row is `header`: exactly so, else without regard to case, else by an older
        name."""
        if header in cells:
            return cells.index(header)
        lower = [cell.lower() for cell in cells]
        for name in (header, *(old for old, new in self.older.items() if new == header)):
            if name.lower() in lower:
                return lower.index(name.lower())
        return None

    def lacks(self, cells: Sequence[str]) -> list[str]:
        """The required headers that are not among `cells`."""
        return [header for header in self.required if self.cell_of(header, cells) is None]

    def passwords(self) -> frozenset[str]:
        """The headers of password columns."""
        return frozenset(header for into in self.into for header in into.headers_of("password"))


@dataclass(frozen=True)
class Format:
    """A roster file format, under the name that profiles use.

    `date_formats` are always good in it, besides the profile's. `any_case` says that it does not care how headers
    are capitalised, `own_columns` is how columns begin that everybody may add, `unread` are the names of files
    that belong to it and have nothing for us. `after` are SQL statements over the roster tables, run when every
    file is in them and before the checks.
    """

    name: str
    title: str
    files: tuple[File, ...]
    date_formats: tuple[str, ...] = ()
    any_case: bool = False
    own_columns: str = ""
    unread: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()

    def file(self, name: str) -> File | None:
        """The file of that name, exactly if there is one, else without regard to case; a package before the name
        does not matter."""
        plain = bare(name)
        for same in (str, str.lower):
            for file in self.files:
                if same(file.name) == same(plain):
                    return file
        return None

    def leaves(self, name: str) -> bool:
        """Whether a file belongs to the format and has nothing for us."""
        return bare(name).lower() in self.unread

    def plausible(self, present: frozenset[str]) -> bool:
        """Whether the files that are always needed, or all but one of them, are among those present (lower-case
        names)."""
        there = [file.name.lower() in present for file in self.files if file.need == "always"]
        return any(there) and there.count(False) <= 1

    def needed(self, present: frozenset[str]) -> list[str]:
        """The names of files that must be there and are not, given the lower-case names of those that are."""
        classes = {file.name for file in self.files if file.need == "classes"}
        with_classes = any(name.lower() in present for name in classes)
        return [
            file.name
            for file in self.files
            if file.name.lower() not in present and (file.need == "always" or (file.need == "classes" and with_classes))
        ]
