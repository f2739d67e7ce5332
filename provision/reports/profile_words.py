"""What a profile will do, in sentences for somebody who does not write TOML.

Each sentence says which names of the profile it explains. A name that no sentence explains is shown with its value, so
that nothing which a profile says goes unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from provision.plan.guards import GUARDS
from provision.policy.surprises import guard_limits
from provision.profile import ADDRESSES, PLACEHOLDER, Match, People, Profile


@dataclass(frozen=True, slots=True)
class Sentence:
    """`keys` are the names of the profile that `says` explains, as `students.match.source`."""

    keys: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Part:
    """The sentences under one heading."""

    title: str
    sentences: tuple[Sentence, ...]


PERSON = {"username": "aokafor", "given": "Amara", "middle": "Ify", "family": "Okafor", "number": "13001",
          "id": "S13001", "grade": "07", "counter": "1"}  # fmt: skip
"""The person of every example."""
SECTION = {"title": "Biology", "code": "BIO", "number": "3", "course": "Life Science", "term": "Fall",
           "school": "North School", "id": "11001"}  # fmt: skip
SOURCES = {"username": "user name", "number": "number", "secondary_email": "secondary e-mail", "source_id": "id"}
VALUES = {"username": "aokafor", "number": "13001", "secondary_email": "amara@mail.example", "source_id": "S13001"}
TARGETS = {"userPrincipalName": "sign-in name", "mail": "mail address", "mailNickname": "mail alias",
           "employeeId": "employee id"}  # fmt: skip
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def explain(profile: Profile) -> Iterator[Part]:
    """Every part, in the order of the profile's tables; what it never does comes last."""
    explained: set[str] = set()
    for title, words in PARTS:
        sentences = tuple(words(profile))
        explained.update(key for sentence in sentences for key in sentence.keys)
        yield Part(title, sentences)
    rest = {key: value for key, value in settings(profile) if key not in explained}
    if rest:
        yield Part("Also set", tuple(Sentence((key,), f"{key}: {_value(value)}") for key, value in rest.items()))


def settings(profile: Profile) -> Iterator[tuple[str, object]]:
    """Every name of the profile with its value; tables are opened, lists of tables are not."""
    return _settings("", profile)


def _settings(above: str, table: BaseModel) -> Iterator[tuple[str, object]]:
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            yield from _settings(f"{above}{name}.", value)
        elif not field.exclude:
            yield f"{above}{name}", value


Words = Iterator[Sentence]


def _tenant(profile: Profile) -> Words:
    tenant = profile.tenant
    where = "the built-in fake tenant: nothing real is touched" if tenant.embedded else f"the tenant {tenant.id}"
    yield Sentence(("tenant.id",), f"It works on {where}.")
    yield Sentence(
        ("name",),
        f"What it has done is remembered under the name '{profile.name}'. With another name it would start anew.",
    )
    yield Sentence(
        ("tenant.usage_location",),
        f"Accounts without a usage location get {tenant.usage_location}; an account's own is kept."
        if tenant.usage_location
        else "No usage location is written.",
    )
    yield Sentence(
        ("tenant.anchor",),
        "The school's id of a person, class or school is written to it in Microsoft 365. By this id it is found from "
        "then on, whatever it is called."
        if tenant.education
        else f"The school's id of a person is written to {tenant.anchor} of the account, and that of a class or school "
        "to its group or administrative unit. By this id it is found from then on, whatever it is called.",
    )


def _roster(profile: Profile) -> Words:
    roster = profile.roster
    yield Sentence(
        ("roster.path", "roster.format"),
        (f"The roster is read from {roster.path}, beside the profile" if roster.path
         else "The profile names no roster; each run must name one with --roster")
        + ("; its format is recognised." if roster.format == "auto" else f", as {roster.format}."),
    )  # fmt: skip
    yield Sentence(
        ("roster.schools",),
        f"Only what belongs to these schools counts: {_list(roster.schools)}. All else is left as it is."
        if roster.schools
        else "All schools of the roster count.",
    )
    yield Sentence(
        (),
        "Whoever has no role but that of a student is a student; whoever has another one is staff. Parents, guardians "
        "and relatives get no account.",
    )
    yield Sentence(
        ("roster.grade_labels", "roster.date_formats"),
        f"Grades are read as in the {roster.grade_labels.upper()}, dates as {_list(roster.date_formats, 'or')}.",
    )
    yield Sentence(
        ("roster.replace_special_characters",),
        "In the mail alias of a class, _ stands for each character of its id that an alias cannot have."
        if roster.replace_special_characters
        else "A class whose id has characters that a mail alias cannot have is left out and reported.",
    )


def _students(profile: Profile) -> Words:
    yield from _people("students", "student", profile.students)
    yield Sentence(
        ("students.minors",),
        "Every student is marked as a minor." if profile.students.minors else "No age group is written.",
    )


def _staff(profile: Profile) -> Words:
    return _people("staff", "member of staff", profile.staff)


def _people(name: str, one: str, people: People) -> Words:
    makes = people.mode == "create"
    idle = f" (the domain {people.domain} is for new ones)" if people.domain else ""
    yield Sentence(
        (f"{name}.mode", f"{name}.domain"),
        f"A {one} for whom no account is found gets a new one, under @{people.domain}."
        if makes
        else f"No account is made{idle}. A {one} for whom none is found is reported and left out, with the class "
        "memberships.",
    )
    yield Sentence(tuple(f"{name}.match.{key}" for key in Match.model_fields), _match(people.match))
    yield Sentence(
        (f"{name}.username",),
        f"The sign-in name of a new account is {_usernames(people)}. If that is taken, the person is held and "
        "reported. The sign-in name of an account that exists is never changed."
        if makes
        else "Sign-in names are never changed.",
    )
    password = {"random": "made at random", "words": "made of four words", "roster": "the one of the roster"}[
        people.password
    ]
    yield Sentence(
        (f"{name}.password",),
        f"The first password of a new account is {password} and must be changed at the first sign-in. "
        "No other password is ever set."
        if makes
        else "No password is ever set.",
    )
    yield Sentence(
        (f"{name}.display_name", f"{name}.properties"),
        f"Kept as the roster has them, also on accounts that exist: first and last name, the display name "
        f"('{_filled(people.display_name, PERSON)}'){_also(people.properties)}. A blank in the roster clears nothing.",
    )
    left_out = [f"{_list(plans)} of {sku}" for sku, plans in people.disabled_plans.items() if plans]
    yield Sentence(
        (f"{name}.licenses", f"{name}.disabled_plans"),
        f"Everybody gets {_list(people.licenses)}"
        + (f", without the service plans {'; '.join(left_out)}" if left_out else "")
        + ", as long as there are seats. No licence is ever taken away."
        if people.licenses
        else "No licence is given.",
    )


def _match(match: Match) -> str:
    value = VALUES[match.source]
    if match.target in ADDRESSES and match.append_domain is None and "@" not in value:
        value += "@school.example"
    domain = f"@{match.append_domain}" if match.append_domain else ""
    behind = f", with {domain} behind it where it has no @," if domain else ""
    sought = value if "@" in value else value + domain
    return (
        f"An account is found by the id that is written to it. Before it has one: the {SOURCES[match.source]} in the "
        f"roster{behind} must be the {TARGETS[match.target]} of the account; so '{value}' finds '{sought}'. It must "
        "fit one account and nobody else; in doubt nothing is written, and the plan says so."
    )


def _usernames(people: People) -> str:
    tried = [f"{template} ('{_username(template, people.domain or '')}')" for template in people.username]
    return f"the first of these that is free: {_list(tried, 'or')}" if len(tried) > 1 else tried[0]


def _username(template: str, domain: str) -> str:
    local = _filled(template, PERSON).replace(" ", "").lower()
    return local if "@" in local else f"{local}@{domain}"


def _licensing(profile: Profile) -> Words:
    sides = [side for side, people in profile.people() if people.licenses]
    groups = _list([f"provision_{profile.name}_{side}_licensed" for side in sides])
    intune = profile.licensing.intune_for_education
    yield Sentence(
        ("licensing.method",),
        "Licences are assigned to each account, not through groups."
        if profile.licensing.method == "direct"
        else f"Licences come through security groups of their own: {groups}. Whoever is to be licensed joins; nobody "
        "leaves. Entra ID hands the licences on, which takes minutes."
        if sides
        else "Licences would come through groups, but none is named.",
    )
    yield Sentence(
        ("licensing.intune_for_education",),
        "For Intune for Education, everybody's licences must have Intune, and the groups of all students and of all "
        "teachers are kept."
        if intune
        else "Nobody's licences need to have Intune.",
    )


def _sections(profile: Profile) -> Words:
    sections = profile.sections
    off = "" if sections.enabled else "(Were classes kept) "
    yield Sentence(
        ("sections.enabled",),
        "Each class of the roster gets a group, which is found again by the id of the class."
        if sections.enabled
        else "No class is made or changed. Those that exist stay as they are and are reported as dormant.",
    )
    yield Sentence(
        ("sections.domain",),
        off + (f"The addresses of these groups should end in @{sections.domain}; Exchange decides." if sections.domain
               else "Exchange decides what the addresses of these groups are."),
    )  # fmt: skip
    own = (
        ", which teachers may change: it is written only once"
        if sections.teachers_own_name
        else " and follows the roster"
    )
    yield Sentence(
        ("sections.display_name", "sections.teachers_own_name", "sections.properties"),
        f"{off}A class is called like '{_filled(sections.display_name, SECTION)}'{own}"
        f"{_also(sections.properties, '. Also kept: ')}.",
    )
    yield Sentence(
        ("sections.owner_roles",),
        f"{off}Owners are those with the role {_list(sections.owner_roles, 'or')}; everybody else is a plain member. "
        "Owners are added and never taken out."
        if sections.owner_roles
        else f"{off}No class gets an owner.",
    )
    yield Sentence(
        ("sections.require_teacher",),
        off + ("A class for which the roster names no owner is left as it is and reported." if sections.require_teacher
               else "A class without an owner is made all the same."),
    )  # fmt: skip
    yield Sentence(
        ("sections.student_start",),
        off + (f"Students join their classes from {sections.student_start} on (UTC); until then they wait."
               if sections.student_start else "Students join their classes at once."),
    )  # fmt: skip
    yield Sentence(
        ("sections.adopt_members",),
        f"{off}A student leaves a class when the roster no longer puts them there, and only if provision added them"
        + (", or found them there when it met the class first." if sections.adopt_members
           else ". Who was in a class before, or was added by hand, stays."),
    )  # fmt: skip
    yield Sentence(
        ("sections.hand_removals",),
        f"{off}A student whom somebody took out by hand and whom the roster still names is "
        + ("put back." if sections.hand_removals == "restore" else "left out and reported."),
    )


def _schools(profile: Profile) -> Words:
    schools = profile.schools
    yield Sentence(
        ("schools.types",), f"A school is an organisation of the type {_list(schools.types, 'or')}; all others belong "
        "to the school above them.",
    )  # fmt: skip
    yield Sentence(
        ("schools.administrative_units", "schools.properties"),
        "Each school gets an administrative unit with its people and classes. Kept: the name"
        f"{_also(schools.properties)}."
        if schools.administrative_units
        else "No administrative units are made or changed.",
    )
    yield Sentence(
        ("schools.moves",),
        "A student who moves to another school is added there and "
        + ("leaves the old school and its group. Staff stay in both." if schools.moves == "move"
           else "stays in the old school too."),
    )  # fmt: skip


def _school_groups(profile: Profile) -> Words:
    groups = profile.school_groups
    yield Sentence(
        ("school_groups.all",),
        f"Security groups of {_list(f'all {role}' for role in profile.groups_of_all)} are kept."
        if profile.groups_of_all
        else "No security groups over all schools are kept.",
    )
    named = [f"'{_filled(groups.name, {'role': role.capitalize(), 'school': SECTION['school']})}'"
             for role in groups.per_school]  # fmt: skip
    yield Sentence(
        ("school_groups.per_school", "school_groups.name"),
        f"Each school has security groups of its {_list(groups.per_school)}, called like {_list(named)}." if named
        else "No security groups of single schools are kept.",
    )  # fmt: skip


def _guards(profile: Profile) -> Words:
    guards = profile.guards
    says = {guard.name: guard.says for guard in GUARDS}
    yield Sentence((), "A run that would change suspiciously much stops before the first write. Too much is:")
    for name, limits in guard_limits(guards):
        yield Sentence((f"guards.{name}",), f"more than {_list(limits, 'or')}: {says[name]} ({name})")
    yield Sentence(("guards.minimum",), f"A share is judged where there are at least {guards.minimum:,} objects.")
    yield Sentence(
        ("guards.freeze",),
        f"Nothing is changed in these times: {_list([f'from {window}' for window in guards.freeze])}." if guards.freeze
        else "There is no time in which nothing may be changed.",
    )  # fmt: skip
    windows = [f"from {window}: {_list([f'{name} {_value(value)}' for name, value in window.given.items()])}"
               for window in guards.rollover]  # fmt: skip
    yield Sentence(
        ("guards.rollover",),
        f"Where a mass change is expected, other limits hold {'; '.join(windows)}." if windows
        else "The same limits hold all year.",
    )  # fmt: skip


def _protect(profile: Profile) -> Words:
    protect = profile.protect
    yield Sentence(
        ("protect.roles",),
        "The account of an administrator (of any directory role) is never written." if protect.roles
        else "The accounts of administrators are written like anyone's.",
    )  # fmt: skip
    yield Sentence(
        ("protect.users",),
        f"Nor are these accounts: {_list(protect.users)}." if protect.users else "No account is protected by its name.",
    )
    yield Sentence((), "Such people are still put into their classes. Accounts that are synced from a directory of the "
                   "school's own keep the names and titles they have there.")  # fmt: skip


def _plan(profile: Profile) -> Words:
    rules = profile.plan
    yield Sentence(("plan.expires",), f"A plan may be applied for {rules.expires[:-1]} {UNITS[rules.expires[-1]]}.")
    needed = (
        "It is applied only when it has been approved."
        if rules.approval == "required"
        else "Nobody has to approve it: whoever may run `provision apply` may apply it."
    )
    keys = f" An approval counts from one of the {len(rules.approvers):,} keys in the profile only."
    yield Sentence(("plan.approval", "plan.approvers"), needed + (keys if rules.approvers else ""))


def _never(profile: Profile) -> Words:
    yield Sentence((), "Delete an account, a class, a school or a group, or take a licence away.")
    yield Sentence((), "Take staff out of a class, or a student whom the roster did not put there.")
    yield Sentence((), "Change the password or the sign-in name of an account that exists.")
    yield Sentence((), "Take what it cannot read for gone: what a faulty row speaks of stays as it is.")
    yield Sentence((), "Write what another profile has made or taken over whose state lies in the same folder.")
    yield Sentence((), "Write to Microsoft 365 what is not in the plan that was shown.")
    left = {"sections.teams": profile.sections.teams == "none" and "class teams",
            "contacts.guardians": not profile.contacts.guardians and "guardians as contacts"}  # fmt: skip
    named = {key: what for key, what in left.items() if what}
    if named:
        yield Sentence(tuple(named), f"Make {_list(named.values(), 'or')}: this version does not.")


PARTS: tuple[tuple[str, Callable[[Profile], Words]], ...] = (
    ("Whose tenant", _tenant),
    ("Which roster", _roster),
    ("Students", _students),
    ("Staff", _staff),
    ("Licences", _licensing),
    ("Classes", _sections),
    ("Schools", _schools),
    ("School groups", _school_groups),
    ("Guards", _guards),
    ("Protected accounts", _protect),
    ("The plan", _plan),
    ("What it will never do", _never),
)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The template with the values of the example: `{given:1}` is one character, `{counter:2}` is 01."""

    def value(match: re.Match[str]) -> str:
        name, digits = match[1], int(match[2] or 0)
        if name == "counter":
            return values[name].zfill(digits)
        return values[name][: digits or None]

    return " ".join(PLACEHOLDER.sub(value, template).split())


def _list(items: Iterable[object], last: str = "and") -> str:
    """A, B and C."""
    *before, end = map(str, items) if items else ["nothing"]
    return f"{', '.join(before)} {last} {end}" if before else end


def _also(properties: tuple[str, ...], before: str = ", ") -> str:
    return before + ", ".join(name.replace("_", " ") for name in properties) if properties else ""


def _value(value: object) -> str:
    """A value of the profile, whatever it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _list(value, "or") if isinstance(value, tuple) else "not set" if value is None else str(value)
