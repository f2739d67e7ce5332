"""What `provision explain` says: why something is planned about a key, and why something is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from provision.plan.explain import Explanation, Fact
from provision.plan.planfile import Line
from provision.reports.console import ACTION_STYLES
from provision.reports.draw import drawn, paragraph
from provision.reports.page import Page
from provision.reports.wording import (
    NOTE_MEANINGS,
    VERBS,
    cause_text,
    change_text,
    guard_lines,
    license_lines,
    printable,
    rule_meaning,
)
from provision.roster.checks import CHECKS

FACTS = {
    "in-roster": "The roster has it.",
    "held": "The roster has it, but its record is held ({rule}): it counts neither as there nor as gone.",
    "not-in-roster": "The roster does not have it.",
    "role": "In the roster: {role} at {org} ({name}).",
    "at-school": "It belongs to school {school}.",
    "no-role": "The roster gives them no role, so nothing is done for them.",
    "contact-only": "The roster knows them only as a parent, guardian or relative: they get no account.",
    "out-of-scope": "Out of scope: [roster] schools of the profile has {schools}, and it is at none of them.",
    "no-school": "It is no school: [schools] types of the profile does not have {type}. It belongs to {school}.",
    "group-not-selected": "The profile does not select this school group ([school_groups]).",
    "sections-off": "The profile makes no classes ([sections] enabled = false).",
    "schools-off": "The profile makes no administrative units ([schools] administrative_units = false).",
    "matched": "In Microsoft 365 it is {account} ({object_id}), found by {by}.",
    "claim": "In Microsoft 365 {account} ({object_id}) would fit, by {by}.",
    "rival": "{key} has a claim to {account} too, by {by}.",
    "no-account": "Nothing in Microsoft 365 fits it.",
    "nobody": "Microsoft 365 has the account {account}; nobody in the roster and in scope has a claim to it.",
    "ledger": "The ledger knows it since run {run}: {account} ({object_id}).",
    "ledger-lost": "The ledger knows it since run {run}: {object_id}, which is no longer in Microsoft 365.",
    "not-in-ledger": "The ledger does not know it: no run has made or taken it over.",
    "as-wanted": "Its own values are as wanted already.",
    "links-as-wanted": "There as wanted already: {number} {kind}.",
    "enrolled": "The roster says so, as {role}.",
    "not-enrolled": "No record of the roster says so.",
    "link-as-wanted": "It is there, as wanted: nothing to do.",
    "link-there": "It is there in Microsoft 365.",
    "link-not-there": "It is not there in Microsoft 365.",
    "link-ours": "The ledger shows that the roster put it there, as {role}.",
    "link-not-ours": "The ledger does not show that the roster put it there: it is never removed.",
    "link-left-out": "{key} is left out, for {end} is: {reason}.",
    "finding": "Finding, {severity} {rule}: {message} {mend}",
}
"""The sentences for the facts of `plan.standing`; each has the values that `said` has, and `reason`."""
BY = {
    "accepted": "a recorded yes (`provision match accept`)",
    "anchor": "the school's id on it",
    "ledger": "what the ledger remembers",
    "profile": "the key of the profile (match)",
}
VERDICT_STYLES = {"approved": "green", "rejected": "bold red", "left out": "yellow", "needs one": "yellow"}
_DESCRIPTIONS = {check.id: check.description for check in CHECKS}


def render(found: Explanation, page: Page, approval: Mapping[str, str] | None = None) -> Iterator[str]:
    """For people: of each subject what is known, what is planned and what is not; `page.most` lines of a sort.

    `approval` says `by` whom, under which `ticket` and `approved_at` what time; the changes then have its verdicts.
    """
    plan = found.plan
    if len(found.subjects) > 1:
        yield paragraph(page, f"'{found.asked}' may mean {len(found.subjects)} things; here is each of them.\n", "bold")
    for number, subject in enumerate(found.subjects):
        yield "\n" if number else ""
        yield paragraph(page, _headline(subject, found.counts(subject)), "bold")
        yield from (drawn(page, Text(f"  {text}")) for text in _totals(found, subject))
        yield from _facts(found, subject, page)
        yield from _groups(found, subject, page, "change", "Planned")
        yield from _groups(found, subject, page, "note", "Not done on purpose")
    yield "\n"
    for state, text in guard_lines(plan.header):
        if state == "tripped":
            yield drawn(page, Text(printable(f"A guard stops this plan. {text}"), "bold red"))
    if approval is not None:
        yield paragraph(page, "Approval by {by} ({ticket}), {approved_at}".format(**approval), "dim")
    yield drawn(
        page, Text(printable(f"Planned {plan.header['created_at']} for {plan.header['tenant']['name']}"), "dim")
    )


def render_json(found: Explanation, _page: Page, approval: Mapping[str, str] | None = None) -> Iterator[str]:
    """The same as one JSON document, a line at a time."""
    header = found.plan.header
    told = {
        "asked": found.asked,
        "live": found.live,
        "plan": {name: header[name] for name in ("digest", "created_at")},
        "stopped_by": [guard["guard"] for guard in header["guards"] if guard["tripped"] and not guard["overridden"]],
        "approval": approval,
    }
    yield json.dumps(told, ensure_ascii=False)[:-1] + ', "subjects": ['
    for number, subject in enumerate(found.subjects):
        yield ("," if number else "") + '\n{"key": ' + json.dumps(subject, ensure_ascii=False)
        for name, type_ in (("changes", "change"), ("notes", "note")):
            lines = (line for group in found.groups(subject, type_) for line in found.lines(subject, group))
            yield from _listed(name, lines)
        facts = (
            {"fact": fact.name, "said": fact.said, "file": fact.file, "record": fact.record}
            for fact in found.facts(subject)
        )
        yield from _listed("facts", facts)
        totals = {"at_school": found.at_school(subject), "seats": found.seats(subject)}
        yield ", " + json.dumps(totals, ensure_ascii=False)[1:-1]
        yield "}"
    yield "]}\n"


def _listed(name: str, items: Iterator[Any]) -> Iterator[str]:
    yield f', "{name}": ['
    for number, item in enumerate(items):
        yield ("," if number else "") + "\n" + json.dumps(item, ensure_ascii=False)
    yield "]"


def _headline(subject: str, counts: Mapping[str, int]) -> str:
    changes, notes = counts["change"], counts["note"]
    planned = f"{changes:,} {'change' if changes == 1 else 'changes'} planned" if changes else "nothing is planned"
    return f"{subject}: {planned}" + (f", {notes:,} not done on purpose." if notes else ".")


def _totals(found: Explanation, subject: str) -> Iterator[str]:
    """What the plan's header says of a school or a licence."""
    school, seat = found.at_school(subject), found.seats(subject)
    if school:
        numbers = ", ".join(f"{school[action]:,} {verb}" for action, verb in VERBS.items())
        yield f"All that is planned at this school, its people and classes: {numbers}."
    if seat:
        yield from license_lines({"licenses": [seat]})


def _facts(found: Explanation, subject: str, page: Page) -> Iterator[str]:
    name, shown = "", 0
    for fact in found.facts(subject):
        if fact.name != name:
            yield from _more(page, shown)
            name, shown = fact.name, 0
        shown += 1
        if page.most is None or shown <= page.most:
            yield drawn(page, Text(f"  {fact_text(fact)}").append(_place(fact), "dim"))
    yield from _more(page, shown)


def _place(fact: Fact) -> str:
    return printable(f"  ({fact.file} row {fact.record})") if fact.file else ""


def fact_text(fact: Fact) -> str:
    """A fact as a sentence."""
    said = {name: "none" if value is None else value for name, value in fact.said.items()}
    if "by" in said:
        said["by"] = BY[said["by"]]
    if "schools" in said:
        said["schools"] = ", ".join(said["schools"])
    if fact.name == "link-left-out":
        said["reason"] = f"{said['what']}, {said['rule']}" if fact.said["rule"] else "it is not among what is wanted"
    return printable(FACTS[fact.name].format(**said))


def _groups(found: Explanation, subject: str, page: Page, type_: str, title: str) -> Iterator[str]:
    groups = found.groups(subject, type_)
    if groups:
        yield drawn(page, Text(f"\n{title}", "bold"))
    for group in groups:
        what = f"to {group.does}" if type_ == "change" else NOTE_MEANINGS.get(group.does, group.does)
        yield drawn(page, Text(f"  {group.number:,} {group.kind} {what}"))
        yield drawn(page, Text(f"  {_why(group.rule)}", "dim"))
        for shown, line in enumerate(found.lines(subject, group)):
            if shown == page.most:
                yield drawn(page, Text(f"    … and {group.number - shown:,} more; --all lists them", "dim"))
                break
            yield drawn(page, _line(line))


def _why(rule: str) -> str:
    """A rule and what it means, in the words of the lifecycle, of the reasons, or of the check."""
    meaning = rule_meaning(rule) or _DESCRIPTIONS.get(rule)
    return f"{rule}: {meaning}" if meaning else rule


def _line(line: Line) -> Text:
    text = Text("    ")
    if "action" in line:
        text.append(f"{line['action']:<7}", ACTION_STYLES.get(line["action"], ""))
    text.append(printable(line["key"]))
    if line.get("action") in ("create", "update"):
        text.append(f"  {change_text(line)}")
    text.append(f"  ({cause_text(line['cause'])})", "dim")
    if line.get("depends_on"):
        text.append(printable(f"  after {', '.join(line['depends_on'])}"), "dim")
    if verdict := line.get("approval"):
        text.append(printable(f"  {verdict.get('reason', verdict['verdict'])}"), VERDICT_STYLES[verdict["verdict"]])
    return text


def _more(page: Page, shown: int) -> Iterator[str]:
    if page.most is not None and shown > page.most:
        yield drawn(page, Text(f"    … and {shown - page.most:,} more; --all lists them", "dim"))
