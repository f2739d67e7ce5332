"""The sentences that every report shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.plan.guards import advice
from provision.plan.header import limit_text
from provision.plan.lifecycle import RULES
from provision.plan.planfile import Header, Line

VERBS = {"create": "to create", "update": "to update", "add": "to add", "remove": "to remove"}

NOTE_MEANINGS = {
    "kept": "kept as they are, though the roster no longer says so",
    "held": "held: a finding or a conflict of names speaks of them, so nothing is done to them",
    "dormant": "dormant: gone from the roster, kept with all their memberships",
    "unmatched": "unmatched: no account was found, and none is made in this mode",
    "conflict": "in conflict: whose it is stands in doubt, or another profile has a claim, so nothing is written",
    "protected": "protected: the account is never written",
    "deferred": "deferred: their start date lies ahead",
    "lacking": "lacking: licensed as the profile says, and still without something that they need",
    "rejected": "rejected: an approver refused them, and --reconsider KEY plans them again",
}

RULE_MEANINGS = {
    "match-ambiguous": "more than one account fits",
    "match-claimed-twice": "another person has the same claim to this account",
    "match-other-anchor": "the account carries another person's id",
    "match-weak": "only the profile's key finds it, and it bears other names; `provision match accept` records a yes",
    "match-accepted-gone": "a recorded yes names an object that is not in Microsoft 365",
    "match-accepted-anchor": "a recorded yes names an object with the id of another one who is or may be in the roster",
    "display-name-missing": "the profile's display name needs a value that the roster does not give",
    "match-unread": "the value that finds the account cannot be read, so there may be one already",
    "username-missing": "the roster gives no user name",
    "username-domain": "the user name names a domain that the tenant has not verified",
    "username-taken": "the sign-in name belongs to somebody else",
    "username-characters": "the user name has characters that Microsoft 365 refuses",
    "deleted-by-hand": "it was deleted by hand; --recreate KEY makes it anew",
    "alias-taken": "the alias belongs to another group",
    "no-teacher": "the section has no teacher, and the profile requires one",
    "no-seat": "no seat of this licence is left",
    "no-seat-of-another": "it comes by the same group as a licence of which no seat is left",
    "license-not-yet": "they are in the group that has this licence, and it has not reached them: the service is at "
    "work, or shows an error on the group",
    "no-exchange": "none of their licences gives a mailbox (Exchange), which class teams need",
    "no-sharepoint": "none of their licences gives SharePoint, which class teams need",
    "license-selected": "the profile selects this licence for them",
    "person-at-school": "the roster says that they are at this school",
    "school-group-selected": "the profile selects this group",
    "school-in-roster": "the roster has this school",
    "section-at-school": "the roster says that the section is at this school",
    "section-in-roster": "the roster has this section",
    "rejected": "an approver refused it",
    "undo": "the run that is undone did the opposite",
    "undo-changed-since": "somebody has changed it since that run",
    "undo-never-deleted": "that run made or added it, and it is never deleted",
    "undo-too-old": "the values that were there before are kept for 30 days only",
    "hand-removal": "removed by hand, and the profile respects that",
}


def summary_line(header: Header) -> str:
    """The plan in one sentence."""
    totals = dict.fromkeys(VERBS, 0)
    for actions in header["counts"].values():
        for action, number in actions.items():
            totals[action] = totals.get(action, 0) + number
    if not any(totals.values()):
        return "Nothing to do: Microsoft 365 is as the roster and the profile want it."
    return "Plan: " + ", ".join(f"{totals[action]:,} {verb}" for action, verb in VERBS.items()) + "."


def facts(header: Header) -> Iterator[tuple[str, str]]:
    """What the plan was made from and what it costs, as label and text."""
    tenant, roster, estimate = header["tenant"], header["roster"], header["estimate"]
    yield "Tenant", f"{tenant['name']} ({tenant['id']})"
    yield "Profile", f"{header['profile']['name']} ({header['profile']['digest'][:12]})"
    records = sum(file["records"] for file in roster["files"])
    findings = ", ".join(f"{number} {severity}" for severity, number in roster["findings"].items()) or "none"
    yield "Roster", f"{roster['format']}, {len(roster['files'])} files, {records:,} records"
    yield "Findings", findings + ("" if findings == "none" else " (`provision check ROSTER --profile FILE` lists them)")
    if header.get("only"):
        yield "Only", printable(", ".join(header["only"]))
    if header.get("accepted_matches"):
        yes = header["accepted_matches"]
        yield "Accepted", f"{yes['number']:,} matches by a recorded yes ({yes['digest'][:12]})"
    if header.get("undoes"):
        yield "Undoes", f"run {header['undoes']}"
    yield "Planned", f"{header['created_at']}, may be applied until {header['expires_at']}"
    yield "Cost", cost_text(estimate)
    yield "Digest", header["digest"]


def cost_text(estimate: Mapping[str, int]) -> str:
    """What applying costs. Plans of an earlier version know of their writes only."""
    reads, units = estimate.get("reads"), estimate.get("resource_units")
    parts = f" ({reads:,} reads, {estimate['writes']:,} writes)" if reads is not None else ""
    cost = f"{estimate['requests']:,} requests{parts}" + (f", {units:,} resource units" if units is not None else "")
    seconds = estimate["seconds_at_quota"]
    return f"{cost}; " + (f"{duration(seconds)} at Graph's quotas" if seconds else "Graph's quotas cost no time")


def duration(seconds: int) -> str:
    """A time in words: 2 h 5 min 10 s."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def guard_lines(header: Header) -> Iterator[tuple[str, str]]:
    """Each guard's state (`passed`, `tripped`, `overridden`, `silent`) and its numbers."""
    for guard in header["guards"]:
        state = "passed"
        if guard["silent"]:
            state = "silent"
        elif guard["overridden"]:
            state = "overridden"
        elif guard["tripped"]:
            state = "tripped"
        worst = guard["measures"][0] if guard["measures"] else None
        numbers = guard["silent"] or (
            f"{worst['what']}: {worst['count']:,} of {worst['of']:,} ({worst['percent']} %)" if worst else "no change"
        )
        more = advice(guard["guard"]) if state == "tripped" else []
        yield state, ". ".join((f"{guard['guard']}: {numbers}; limit {limit_text(guard)}", *more))


def license_lines(header: Header) -> Iterator[str]:
    """Seats, per licence that the profile names: owned, used, needed, and who goes without."""
    for seat in header["licenses"]:
        parts = [f"{seat['enabled']:,} seats, {seat['consumed']:,} used, {seat['planned'] + seat['short']:,} needed"]
        if seat["short"]:
            named = [printable(key) for key in seat.get("without", ())]
            more = seat["short"] - len(named)
            who = ", ".join(named) + (f" and {more:,} more" if more else "")
            parts.append(f"{seat['short']:,} short: {who} go{'es' if seat['short'] == 1 else ''} without")
        if number := seat.get("unlocated"):
            have, get = ("account has", "gets") if number == 1 else ("accounts have", "get")
            parts.append(f"{number:,} {have} no usage location yet and {get} the profile's beforehand")
        yield f"{seat['sku']}: {'; '.join(parts)}"


def rule_lines(header: Header) -> Iterator[str]:
    """What the rules mean that this plan gives as causes, and how often each spoke."""
    for rule, number in sorted(header["rules"].items(), key=lambda item: _natural(item[0])):
        yield f"{rule} ({number:,}): {rule_meaning(rule) or 'see the findings of the roster'}"


def rule_meaning(rule: str) -> str | None:
    """What a rule of the lifecycle says, or what a reason means; None for a check of the roster."""
    table = {each.id: f"{each.says}: {each.happens}" for each in RULES}
    return table.get(rule) or RULE_MEANINGS.get(rule)


def _natural(rule: str) -> tuple[str, int]:
    """L2 before L10."""
    return rule.rstrip("0123456789"), int(rule[1:]) if rule[1:].isdigit() else 0


def change_text(change: Line) -> str:
    """One change in words: what is done to what, with its values."""
    before, after = change["before"] or {}, change["after"] or {}
    if change["action"] == "update":
        return ", ".join(
            f"{name}: {_shown(before.get(name))} → {_shown(value)}"
            for name, value in after.items()
            if value != before.get(name)
        )
    if change["action"] == "create":
        return ", ".join(f"{name} {_shown(value)}" for name, value in after.items() if name in _TELLING)
    ends: Mapping[str, object] = after or before
    names = [str(value) for name, value in ends.items()
             if value is not None and not name.endswith("_id") and name not in ("role", "disabled_plans")]  # fmt: skip
    return printable(" ← ".join(names))


def cause_text(cause: Mapping[str, object]) -> str:
    """Why: the rule, and where the roster says so."""
    parts = [str(cause["rule"])]
    if cause["file"]:
        parts.append(f"{cause['file']}" + (f" row {cause['record']}" if cause["record"] else ""))
    if cause["field"]:
        parts.append(str(cause["field"]))
    return ", ".join(parts)


_TELLING = ("user_principal_name", "display_name", "unique_name", "external_id", "mail_nickname", "grade")


def printable(text: str) -> str:
    """Text in which what cannot be seen is shown by its number, so that no roster can steer a terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else f"[U+{ord(sign):04X}]" for sign in text)


def _shown(value: object) -> str:
    return "empty" if value is None else printable(f"'{value}'")
