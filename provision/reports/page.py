"""What a renderer may know of where its text goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """`width` in characters, whether `color` is wanted, and how many lines of a kind are `most` (None: all)."""

    width: int = 100
    color: bool = False
    most: int | None = None
