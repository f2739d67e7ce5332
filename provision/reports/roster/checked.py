"""What the reports of a roster are made of, and the words that they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provision.roster.checks import CHECKS
from provision.roster.readiness import Readiness, Verdict
from provision.roster.summary import RosterSummary, RuleCount
from provision.store import Store

_CHECKS = {check.id: check for check in CHECKS}
_WORDS = {
    "schools": ("school", "schools"),
    "other_organisations": ("other organisation", "other organisations"),
    "students": ("student", "students"),
    "teachers": ("teacher", "teachers"),
    "other_staff": ("other member of staff", "other members of staff"),
    "contacts": ("parent or other contact", "parents and other contacts"),
    "classes": ("class", "classes"),
    "enrollments": ("enrollment", "enrollments"),
    "org": ("organisation", "organisations"),
    "person": ("person", "persons"),
    "section": ("class", "classes"),
    "enrollment": ("enrollment", "enrollments"),
    "relationship": ("relation to a contact", "relations to contacts"),
    "unknown": ("record that may speak of anybody", "records that may speak of anybody"),
    "record": ("record", "records"),
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "note": ("note", "notes"),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A roster that `load_roster` has put into `store`: the name of its folder or ZIP, its format, the counts, and
    what was asked about products."""

    store: Store
    roster: str
    format: str
    told: RosterSummary
    readiness: tuple[Readiness, ...] = ()


def counted(number: int, what: str) -> str:
    """A number with its word: `1 class`, `2,000 classes`."""
    return f"{number:,} {_WORDS[what][number != 1]}"


def listed(numbers: dict[str, int]) -> str:
    """The numbers that are not 0, with their words."""
    parts = [counted(number, what) for what, number in numbers.items() if number]
    return ", ".join(parts) or "nothing"


def summary_lines(checked: Checked) -> Iterator[str]:
    """What the roster holds and what came of it, in plain sentences."""
    told = checked.told
    yield f"{checked.roster} ({checked.format}) has {listed(told.people)}."
    errors, warnings, notes = (told.count(severity) for severity in ("error", "warning", "note"))
    yield f"{counted(errors, 'error')}, {counted(warnings, 'warning')}, {counted(notes, 'note')}."
    if told.unusable:
        yield f"{counted(told.unusable, 'record')} cannot be used."
    if told.held:
        yield f"Nothing is done to these until their records are mended: {listed(_in_order(told.held))}."
    if not errors:
        yield "The roster can be planned with."


def _in_order(held: Mapping[str, int]) -> dict[str, int]:
    kinds = ("person", "section", "org", "enrollment", "relationship", "unknown", "record")
    return {kind: held.get(kind, 0) for kind in kinds}


def severity_means(severity: str) -> str:
    """What a finding of this severity does."""
    return {
        "error": "the record is not used",
        "warning": "something is left out or read otherwise",
        "note": "nothing changes",
    }[severity]


def rule_means(rule: RuleCount) -> tuple[str, str]:
    """What a check finds, and what to do about it."""
    check = _CHECKS[rule.rule]
    return check.description, check.mend


def ready_line(answer: Readiness) -> str:
    """Whether the roster is ready for a product, in one sentence."""
    unmet = [each.need.severity for each in answer.verdicts if each.failed]
    parts = [
        f"{number} {'need' if number == 1 else 'needs'} that {severity} be met {'is' if number == 1 else 'are'} not"
        for severity in ("must", "should")
        if (number := unmet.count(severity))
    ]
    state = {
        "ready": "Ready for",
        "not ready": "Not ready for",
        "not judged whole": "It cannot be judged whole whether this is ready for",
    }[answer.state]
    return f"{state} {answer.product.title}" + "".join(f"; {part}" for part in parts) + "."


def unjudged_line(checked: Checked, answer: Readiness) -> str:
    """What the verdicts leave out, and why; empty where that is nothing."""
    said = [f"There are no {each.need.things} to judge." for each in answer.unasked if not answer.left_out]
    if answer.left_out:
        said.append(f"Left out because of errors: {listed(_in_order(answer.left_out))}. Mend these first.")
    others = {kind: number - answer.left_out.get(kind, 0) for kind, number in checked.told.held.items()}
    if any(others.values()):
        said.append(f"Held as not active, and so not judged: {listed(_in_order(others))}.")
    return " ".join(said)


_SINGULARS = {"people": "person", "staff": "member of staff", "classes": "class"}


def verdict_state(verdict: Verdict) -> str:
    """The verdict in a word or two."""
    if verdict.failed:
        return "fails"
    return "ok" if verdict.judged else "not judged"


def verdict_line(verdict: Verdict) -> str:
    """How many pass: `338 of 340 students`, `1 of 1 class`."""
    things = verdict.need.things
    if verdict.judged == 0:
        return f"no {things} to judge"
    if verdict.judged == 1:
        first, *others = things.split(" ", 1)
        things = " ".join([_SINGULARS.get(first, first.removesuffix("s")), *others])
    return f"{verdict.passed:,} of {verdict.judged:,} {things}"
