"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass

LARGE = 1_000_000  # students from which on three runs must do


@dataclass(frozen=True)
class Scale:
    """The number of students in each measurement."""

    runs: int
    loads: tuple[int, ...]
    formats: tuple[int, ...]
    school: int
    goals: int
    """Runs of what is to reach a goal."""
    whole: int
    """With schools and school groups, for the number of writes."""
    bound: int
    """So many that the write quota is what holds them up."""
    halved: int
    """The same where only half of it is granted."""
    free: int
    """So few that it does not."""
    plain: int
    """For the plain script, which takes minutes for more."""
    crowd: int
    """For the memory of applying; 0: it is not measured."""
    places: tuple[int, ...]
    """In place, for nightly runs."""
    snapshot: int
    """For a plan against a snapshot; 0: it is not measured."""

    def runs_of(self, students: int) -> int:
        """Fewer of what takes long."""
        return min(self.runs, 3) if students >= LARGE else self.runs


SHORT = Scale(1, (200, 400), (200,), 20, 1, 40, 40, 40, 40, 3, 0, (40,), 40)
USUAL = Scale(
    5, (10_000, 100_000), (100_000,), 2_000, 3, 10_000, 5_000, 2_500, 1_000, 40, 0, (10_000, 50_000, 100_000), 0
)
FULL = Scale(
    5, (10_000, 100_000, 1_000_000), (100_000, 1_000_000), 2_000,
    3, 10_000, 5_000, 2_500, 1_000, 40, 100_000, (10_000, 50_000, 100_000), 1_000_000,
)  # fmt: skip
