"""What a profile may say and nobody may expect: allowed, and worth a second look before the first plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from provision.profile import ADDRESSES, Guards, Limit, People, Profile, placeholders
from provision.roster.addresses import SIGN_IN_LOCAL

LONG = 30 * 86400
"""A plan that may be applied for longer than this, in seconds, is about another school month."""
OFTEN_BLANK = {"number": "number", "grade": "grade", "username": "user name"}
"""What a display name may use and not everybody has; a middle name that is missing is left out."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """`key` is the name in the profile (`students.licenses`), `says` what comes of its value."""

    key: str
    says: str


def surprises(profile: Profile, now: datetime) -> list[Surprise]:
    """All of them, in the order of the profile's tables."""
    sides = (_people(name, people) for name, people in profile.people())
    found = chain(_roster(profile), *sides, _licensing(profile), _sections(profile, now), _schools(profile),
                  _guards(profile, now), _protect(profile), _plan(profile))  # fmt: skip
    return [Surprise(key, says) for key, says in found]


Found = Iterator[tuple[str, str]]


def _roster(profile: Profile) -> Found:
    roster = profile.roster
    if {"M/D/YYYY", "D/M/YYYY"} <= set(roster.date_formats):
        first = next(form for form in roster.date_formats if "/" in form)
        yield (
            "roster.date_formats",
            f"3/4/2026 fits both M/D/YYYY and D/M/YYYY; it is read as {first}, which comes first",
        )
    if roster.format == "sds-v1-uk" and roster.grade_labels == "us":
        yield "roster.grade_labels", "the headers are British and the grades are read as American ones"


def _people(name: str, people: People) -> Found:
    yield from _match(name, people)
    if people.mode == "existing":
        for key in ("username", "password"):
            if getattr(people, key) != People.model_fields[key].default:
                yield f"{name}.{key}", 'it is for new accounts, and mode = "existing" makes none'
        return
    if not people.licenses:
        yield f"{name}.licenses", "new accounts get no licence: nobody can use mail, OneDrive or Teams with them"
    for key in sorted(set(placeholders(people.display_name)) & set(OFTEN_BLANK)):
        yield f"{name}.display_name", f"whoever has no {OFTEN_BLANK[key]} in the roster gets no account"
    for template in people.username:
        if not re.fullmatch(f"{SIGN_IN_LOCAL}(@.+)?", _with_letters(template)):
            yield f"{name}.username", f"no sign-in name may look like '{template}', so nobody gets one of this form"


def _match(name: str, people: People) -> Found:
    match = people.match
    if match.append_domain is None:
        if match.target in ADDRESSES and match.source in ("username", "source_id"):
            what = "user name" if match.source == "username" else "id"
            yield (
                f"{name}.match",
                f"an account is found only if the {what} is a whole address in the roster; else set append_domain",
            )
        return
    if match.source == "secondary_email":
        yield f"{name}.match.append_domain", "a secondary e-mail is an address already, so this is never appended"
    elif people.mode == "create" and people.domain and match.append_domain.lower() != people.domain.lower():
        yield f"{name}.domain", f"accounts are looked for under {match.append_domain} and made under {people.domain}"


def _with_letters(template: str) -> str:
    """The template with a letter for each value; blanks are taken out of sign-in names."""
    return re.sub(r"\{[^}]*\}", "x", template).replace(" ", "")


def _licensing(profile: Profile) -> Found:
    added = [role for role in profile.groups_of_all if role not in profile.school_groups.all]
    if added:
        yield "licensing.intune_for_education", f"the groups of all {' and all '.join(added)} are kept for it too"
    if profile.licensing.method == "direct":
        return
    if not (profile.students.licenses or profile.staff.licenses):
        yield "licensing.method", "no licences are named, so no group gets any"
    else:
        yield "licensing.method", "whoever is in a group with licences needs Entra ID P1 or a licence like A3"


def _sections(profile: Profile, now: datetime) -> Found:
    sections = profile.sections
    if not sections.enabled:
        idle = sorted(sections.model_fields_set - {"enabled", "owner_roles"})
        if idle:
            yield "sections.enabled", f"it is false, so these say nothing: {', '.join(idle)}"
        return
    if sections.student_start and sections.student_start < now.date().isoformat():
        yield "sections.student_start", f"{sections.student_start} is over, so students join their classes at once"
    if not placeholders(sections.display_name):
        yield "sections.display_name", f"every class gets the same name, '{sections.display_name}'"
    if not sections.owner_roles:
        yield "sections.owner_roles", "it is empty: no class gets an owner, so no teacher can run it"


def _schools(profile: Profile) -> Found:
    schools, groups = profile.schools, profile.school_groups
    if not schools.administrative_units:
        if schools.properties:
            yield "schools.properties", "no administrative units are kept, so there is nothing to write these to"
        if schools.moves == "move" and not groups.per_school:
            yield "schools.moves", "there is neither an administrative unit nor a group that anybody could leave"
    if "name" in groups.model_fields_set and not groups.per_school:
        yield "school_groups.name", "no groups of single schools are asked for, so nothing gets this name"


def _guards(profile: Profile, now: datetime) -> Found:
    for name in loosened(profile.guards):
        usual, own = (_shown(limits) for limits in (Guards.model_fields[name].default, getattr(profile.guards, name)))
        yield f"guards.{name}", f"{own} lets more pass than the default, {usual}"
    for name, limits in guard_limits(profile.guards):
        if any(limit.count == 0 or limit.percent == 0 for limit in limits):
            yield f"guards.{name}", "a limit of nothing stops every run that has any such change"
    if profile.guards.minimum > Guards.model_fields["minimum"].default:
        yield "guards.minimum", f"with fewer than {profile.guards.minimum} objects no share is judged"
    for key in ("freeze", "rollover"):
        for window in getattr(profile.guards, key):
            if window.ends <= now:
                yield f"guards.{key}", f"the window {window} is over"


def guard_limits(guards: Guards) -> list[tuple[str, tuple[Limit, ...]]]:
    """Every guard that has limits, and its limits."""
    given = ((name, getattr(guards, name)) for name in Guards.model_fields)
    return [(name, value) for name, value in given
            if isinstance(value, tuple) and value and isinstance(value[0], Limit)]  # fmt: skip


def loosened(guards: Guards) -> list[str]:
    """The guards of which a default limit does not stand: it is higher, or of that sort there is none."""
    return [name for name, limits in guard_limits(guards)
            if not all(_stands(limit, limits) for limit in Guards.model_fields[name].default)]  # fmt: skip


def _stands(usual: Limit, limits: Iterable[Limit]) -> bool:
    for limit in limits:
        if usual.count is not None and limit.count is not None and limit.count <= usual.count:
            return True
        if usual.percent is not None and limit.percent is not None and limit.percent <= usual.percent:
            return True
    return False


def _shown(limits: Iterable[Limit]) -> str:
    return " or ".join(map(str, limits))


def _protect(profile: Profile) -> Found:
    if not profile.protect.roles:
        listed = "" if profile.protect.users else ", and nobody is protected by name"
        yield "protect.roles", f"it is false: the accounts of administrators are written like anyone's{listed}"


def _plan(profile: Profile) -> Found:
    loose = loosened(profile.guards)
    if profile.plan.approval == "none" and loose:
        yield (
            "plan.approval",
            f"nobody has to approve a plan, and guards are looser than by default: {', '.join(loose)}",
        )
    if profile.plan.approval == "required" and not profile.plan.approvers:
        yield "plan.approvers", "it is empty: whoever makes a key can approve a plan"
    if profile.plan.seconds > LONG:
        yield "plan.expires", f"a plan of {profile.plan.expires} ago may describe a school that is no more"
