"""What a roster file format is: its files, their headers, and how they map onto the roster tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from provision.roster.fill import Into

Need = Literal["always", "classes", "optional"]


@dataclass(frozen=True)
class File:
    """One CSV file of a format.

    `required` headers must be there and have a value in every record; every other header may be absent.
    `need` says when the file itself must be there: always, as soon as one of the other "classes" files is, or
    never. A file with `later` is known but not read yet, and `later` says why.
    """

    name: str
    required: tuple[str, ...]
    into: tuple[Into, ...] = ()
    need: Need = "always"
    later: str = ""

    def headers(self) -> tuple[str, ...]:
        """Every header that is read, the required ones first, each once."""
        read = (header for into in self.into for header in into.headers())
        return tuple(dict.fromkeys((*self.required, *read)))

    def passwords(self) -> frozenset[str]:
        """The headers of password columns."""
        return frozenset(header for into in self.into for header in into.headers_of("password"))


@dataclass(frozen=True)
class Format:
    """A roster file format, under the name that profiles use."""

    name: str
    title: str
    files: tuple[File, ...]

    def file(self, name: str) -> File | None:
        """The file of that name, exactly if there is one, else without regard to case."""
        for same in (str, str.lower):
            for file in self.files:
                if same(file.name) == same(name):
                    return file
        return None

    def plausible(self, present: frozenset[str]) -> bool:
        """Whether the files that are always needed are among those present (lower-case names)."""
        return all(file.name.lower() in present for file in self.files if file.need == "always")

    def needed(self, present: frozenset[str]) -> list[str]:
        """The names of files that must be there and are not, given the lower-case names of those that are."""
        classes = {file.name for file in self.files if file.need == "classes"}
        with_classes = any(name.lower() in present for name in classes)
        return [
            file.name
            for file in self.files
            if file.name.lower() not in present and (file.need == "always" or (file.need == "classes" and with_classes))
        ]
