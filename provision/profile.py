"""The sync profile: one TOML file that says what a run may do.

The names are a contract with the people who wrote profiles; an unknown name or value is refused with its place in
the file, never ignored. What a later version will do and this one does not is refused too, rather than silently
left out.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from provision.errors import ProfileError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SANDBOX = "sandbox"
ANCHORS = ("education", "employeeId", *(f"extensionAttribute{number}" for number in range(1, 16)))
"""Where the school's id of a person is kept; all but the first are for tenants that are not for education."""
PLACEHOLDER = re.compile(r"\{([a-z]+)(?::([1-9][0-9]?))?\}")
DOMAIN = r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$"

Domain = Annotated[str, Field(pattern=DOMAIN)]


def nearest(given: str, known: Iterable[str]) -> str:
    """The known name that is spelled most like the given one, as the end of a sentence; empty where none is near."""
    spelled = {name.lower(): name for name in known}
    found = difflib.get_close_matches(given.lower(), spelled, n=1)
    return f"; did you mean '{spelled[found[0]]}'?" if found else ""


def _not_yet(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in allowed:
            use = nearest(value, allowed) or f"; use {' or '.join(map(repr, allowed))}"
            raise ValueError(f"'{value}' is not supported by this version{use}")
        return value

    return AfterValidator(check)


def _one_of(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"'{value}' is none of {', '.join(allowed)}{nearest(value, allowed)}")
        return value

    return AfterValidator(check)


def _template(*names: str) -> AfterValidator:
    def check(value: str) -> str:
        unknown = [match[1] for match in PLACEHOLDER.finditer(value) if match[1] not in names]
        rest = PLACEHOLDER.sub("", value)
        if unknown or "{" in rest or "}" in rest:
            raise ValueError(f"may use {', '.join('{' + name + '}' for name in names)} and plain text")
        if not value.strip():
            raise ValueError("must not be empty")
        return value

    return AfterValidator(check)


def placeholders(template: str) -> list[str]:
    """The names of the values that a template puts in."""
    return [match[1] for match in PLACEHOLDER.finditer(template)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="after")
    def _nothing_twice(self) -> _Table:
        for name, value in self.__dict__.items():
            if isinstance(value, tuple) and len(set(value)) < len(value):
                raise ValueError(f"{name} names something twice")
        return self


class Limit(_Table):
    """One bound of a guard: a count, or a share of what exists."""

    count: int | None = None
    percent: float | None = None

    def __str__(self) -> str:
        return f"{self.percent:g}%" if self.percent is not None else str(self.count)


def _limits(value: object) -> object:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_limit(item) for item in items)


def _limit(item: object) -> Limit:
    if isinstance(item, Limit):
        return item
    text = str(item).strip()
    if re.fullmatch(r"[0-9]{1,9}", text) and not isinstance(item, bool):
        return Limit(count=int(text))
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?%", text) and float(text[:-1]) <= 100:
        return Limit(percent=float(text[:-1]))
    raise ValueError(f"'{item}' is neither a count (200) nor a share (\"5%\")")


Limits = Annotated[tuple[Limit, ...], BeforeValidator(_limits), Field(min_length=1)]


class Tenant(_Table):
    """`[tenant]`: whose directory."""

    id: str = Field(min_length=1)
    usage_location: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    anchor: Annotated[str, _one_of(*ANCHORS)] = "education"

    @property
    def education(self) -> bool:
        """Whether it has the endpoints that Microsoft keeps for tenants for education."""
        return self.anchor == "education"

    @property
    def embedded(self) -> bool:
        """Whether this is the built-in fake tenant."""
        return self.id == SANDBOX


class RosterSource(_Table):
    """`[roster]`: where the school's data comes from and how it is read."""

    path: str | None = None
    format: Annotated[
        str,
        _not_yet("auto", "sds-v1", "sds-v1-uk", "sds-v2", "sds-v2.1", "clever", "oneroster-1.1", "oneroster-1.2"),
    ] = "auto"
    schools: tuple[str, ...] = ()
    grade_labels: Literal["us", "uk"] = "us"
    replace_special_characters: bool = False
    date_formats: tuple[Literal["YYYY-MM-DD", "YYYYMMDD", "M/D/YYYY", "D/M/YYYY", "D.M.YYYY"], ...] = ("YYYY-MM-DD",)


class Match(_Table):
    """How a person is found among the accounts that exist."""

    source: Literal["username", "number", "secondary_email", "source_id"] = "username"
    target: Literal["userPrincipalName", "mail", "mailNickname", "employeeId"] = "userPrincipalName"
    append_domain: Domain | None = None

    @model_validator(mode="after")
    def _can_ever_match(self) -> Match:
        if self.target in ADDRESSES:
            if self.source == "number" and self.append_domain is None:
                raise ValueError(f"a number is no address, as {self.target} is; append_domain makes it one")
        elif self.append_domain is not None:
            raise ValueError(f"{self.target} holds no address, so nothing fits it with append_domain")
        elif self.source == "secondary_email":
            raise ValueError(f"secondary_email is an address, and {self.target} holds none")
        return self


ADDRESSES = ("userPrincipalName", "mail")
"""Targets that hold an address."""
USERNAME_FIELDS = ("username", "given", "family", "middle", "number", "id", "counter")
NAME_FIELDS = ("given", "family", "middle", "username", "number", "id", "grade")


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class People(_Table):
    """`[students]` and `[staff]`: who is made or matched, and what is managed on them."""

    mode: Literal["create", "existing"] = "existing"
    domain: Domain | None = None
    match: Match = Match()
    properties: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    disabled_plans: dict[str, tuple[str, ...]] = {}
    username: Annotated[
        tuple[Annotated[str, _template(*USERNAME_FIELDS)], ...], BeforeValidator(_one_or_more), Field(min_length=1)
    ] = ("{username}",)
    password: Literal["random", "words", "roster"] = "random"  # noqa: S105  # a style, not a secret
    display_name: Annotated[str, _template(*NAME_FIELDS)] = "{given} {family}"

    @model_validator(mode="after")
    def _domain_for_new_accounts(self) -> People:
        if self.mode == "create" and self.domain is None:
            raise ValueError('mode = "create" needs a domain for the accounts it makes')
        return self

    @model_validator(mode="after")
    def _no_contradiction(self) -> People:
        for sku, plans in self.disabled_plans.items():
            if sku not in self.licenses:
                near = nearest(sku, self.licenses)
                raise ValueError(f"disabled_plans names {sku}, which is not among licenses{near}")
            if len(set(plans)) < len(plans):
                raise ValueError(f"disabled_plans names a plan of {sku} twice")
        if self.mode == "existing" and self.password == "roster":  # noqa: S105  # a style
            raise ValueError('password = "roster" is for new accounts, and mode = "existing" makes none')
        fixed = [template for template in self.username if not placeholders(template)]
        if fixed:
            raise ValueError(f"username '{fixed[0]}' is the same for everybody; use {{given}}, {{family}} …")
        return self


class Students(People):
    """`[students]`."""

    properties: tuple[Literal["grade", "student_number", "graduation_year", "birth_date", "middle_name"], ...] = ()
    minors: bool = False


class Staff(People):
    """`[staff]`."""

    properties: tuple[Literal["teacher_number", "title", "middle_name"], ...] = ()


def _only_false(value: bool) -> bool:
    if value:
        raise ValueError("is not supported by this version; leave it false")
    return value


NotYet = Annotated[bool, AfterValidator(_only_false)]


class Licensing(_Table):
    """`[licensing]`."""

    method: Literal["direct", "group"] = "direct"
    intune_for_education: bool = False


def _iso_date(value: str) -> str:
    if value:
        date.fromisoformat(value)
    return value


NEVER_OWN = ("student", "parent", "guardian", "relative")
"""Roles that cannot own a class: students leave it when the roster says so, the others get no account."""
SCHOOL_TYPES = ("school", "college", "university", "campus", "adultEducation")
OWNER_ROLES = ("teacher", "professor", "lecturer", "instructor", "faculty")
SECTION_FIELDS = ("title", "code", "number", "course", "term", "school", "id")


class Sections(_Table):
    """`[sections]`: one group per class."""

    enabled: bool = True
    domain: Domain | None = None
    display_name: Annotated[str, _template(*SECTION_FIELDS)] = "{title}"
    teachers_own_name: bool = False
    student_start: Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"), AfterValidator(_iso_date)] = ""
    owner_roles: tuple[str, ...] = OWNER_ROLES
    properties: tuple[Literal["course", "term", "class_code", "grade"], ...] = ()
    teams: Annotated[str, _not_yet("none")] = "none"
    require_teacher: bool = False
    adopt_members: bool = False
    hand_removals: Literal["restore", "respect"] = "restore"

    @model_validator(mode="after")
    def _can_be_owned(self) -> Sections:
        never = [role for role in self.owner_roles if role.lower() in NEVER_OWN]
        if never:
            raise ValueError(f"owner_roles names {never[0]}, who cannot own a class")
        if self.require_teacher and not self.owner_roles:
            raise ValueError("require_teacher holds every class, for owner_roles names nobody who could own one")
        return self


class Schools(_Table):
    """`[schools]`: one administrative unit per school."""

    administrative_units: bool = True
    types: tuple[str, ...] = SCHOOL_TYPES
    moves: Literal["keep", "move"] = "keep"
    properties: tuple[Literal["school_number", "address", "phone", "principal", "grades"], ...] = ()

    @model_validator(mode="after")
    def _some_are_schools(self) -> Schools:
        if not self.types:
            raise ValueError("types is empty, so no organisation would be a school")
        return self


class SchoolGroups(_Table):
    """`[school_groups]`: security groups of students and of teachers."""

    all: tuple[Literal["students", "teachers"], ...] = ()
    per_school: tuple[Literal["students", "teachers"], ...] = ()
    name: Annotated[str, _template("role", "school")] = "{role} - {school}"

    @model_validator(mode="after")
    def _names_differ(self) -> SchoolGroups:
        if len(self.per_school) > 1 and "role" not in placeholders(self.name):
            raise ValueError("name needs {role}: the groups of a school's students and teachers would have one name")
        return self


class Contacts(_Table):
    """`[contacts]`."""

    guardians: NotYet = False


MOMENT = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2}))?")


def _moment(value: object) -> str:
    """A day or a time as ISO 8601 text, whether the file has it as text or as a date of TOML's own."""
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    if not MOMENT.fullmatch(text):
        raise ValueError(f"'{text}' is neither a day (2026-12-18) nor a time with its zone (2026-12-18T16:00:00+01:00)")
    _instant(text)
    return text


def _instant(text: str, days: int = 0) -> datetime:
    """The time, or midnight UTC at the beginning of the day; `days` later where it is a day."""
    if "T" in text:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    return datetime.combine(date.fromisoformat(text) + timedelta(days=days), time(), timezone.utc)


Moment = Annotated[str, BeforeValidator(_moment)]


class Window(_Table):
    """A time of the calendar: from a day to a day, both of them in it (UTC), or from a time until a time."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.begins >= self.ends:
            raise ValueError(f"from {self.start} is not before to {self.end}")
        return self

    @property
    def begins(self) -> datetime:
        """The first moment in it."""
        return _instant(self.start)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return _instant(self.end, days=1)

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is in it."""
        return self.begins <= moment < self.ends

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"


class Freeze(Window):
    """`[[guards.freeze]]`: nothing is changed."""

    reason: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"{self.start} to {self.end}: {self.reason}"


class Rollover(Window):
    """`[[guards.rollover]]`: a mass change is expected, and is judged by these limits where they are given."""

    roster_shrinks: Limits | None = None
    creates: Limits | None = None
    updates: Limits | None = None
    member_removals: Limits | None = None
    removals_per_section: Limits | None = None
    removals_per_school: Limits | None = None
    section_emptied: Limits | None = None
    errors: Limits | None = None
    minimum: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_something(self) -> Rollover:
        if not self.given:
            raise ValueError("names no limit of its own; give those that differ from [guards]")
        return self

    @property
    def given(self) -> dict[str, Limits | int]:
        """Its own limits, and its own minimum."""
        own = {name: getattr(self, name) for name in Rollover.model_fields if name not in Window.model_fields}
        return {name: value for name, value in own.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a guard judges by. `window` is the window of the calendar that says so, in words; None: [guards] does."""

    limits: Limits
    minimum: int
    window: str | None


class Guards(_Table):
    """`[guards]`: how much one run may change, and when. Every guard is on by default."""

    roster_shrinks: Limits = (Limit(percent=10),)
    creates: Limits = (Limit(percent=25),)
    updates: Limits = (Limit(percent=50),)
    member_removals: Limits = (Limit(count=200), Limit(percent=5))
    removals_per_section: Limits = (Limit(percent=50),)
    removals_per_school: Limits = (Limit(percent=20),)
    section_emptied: Limits = (Limit(count=3), Limit(percent=10))
    errors: Limits = (Limit(percent=5),)
    minimum: int = Field(default=10, ge=0)
    freeze: tuple[Freeze, ...] = ()
    rollover: tuple[Rollover, ...] = ()

    @model_validator(mode="after")
    def _one_rollover_at_a_time(self) -> Guards:
        windows = sorted(self.rollover, key=lambda window: window.begins)
        for one, next_one in pairwise(windows):
            if next_one.begins < one.ends:
                raise ValueError(f"rollover: {one} and {next_one} overlap; which limits hold would be in doubt")
        return self

    def bounds(self, guard: str, moment: datetime) -> Bounds:
        """What the guard judges by at this moment: the limits of an open roll-over window, else the usual ones.

        A freeze lets no change pass; its `window` is None while none is open.
        """
        if guard == "freeze":
            frozen = next((str(window) for window in self.freeze if window.holds(moment)), None)
            return Bounds((Limit(count=0),), self.minimum, frozen)
        for window in self.rollover:
            own = window.given
            if window.holds(moment) and (guard in own or "minimum" in own):
                judged = self.model_copy(update=own)
                return Bounds(getattr(judged, guard), judged.minimum, f"roll-over {window}")
        return Bounds(getattr(self, guard), self.minimum, None)


def _sign_in_name(value: str) -> str:
    if "@" not in value:
        raise ValueError(f"'{value}' is no sign-in name and would protect nobody; write it with its @ and domain")
    return value


class Protect(_Table):
    """`[protect]`: accounts that are never written."""

    roles: bool = True
    users: tuple[Annotated[str, AfterValidator(_sign_in_name)], ...] = ()


class PlanRules(_Table):
    """`[plan]`."""

    expires: Annotated[str, Field(pattern=r"^[0-9]{1,4}[mhd]$")] = "72h"
    approval: Literal["none", "required"] = "none"
    approvers: tuple[Annotated[str, Field(pattern=r"^ed25519:[A-Za-z0-9+/]{43}$")], ...] = ()

    @property
    def seconds(self) -> int:
        """How long a plan may be applied, in seconds."""
        return int(self.expires[:-1]) * {"m": 60, "h": 3600, "d": 86400}[self.expires[-1]]


class Profile(_Table):
    """A checked profile. `folder` is where the file lies; paths in it are relative to that."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    tenant: Tenant
    roster: RosterSource = RosterSource()
    students: Students = Students()
    staff: Staff = Staff()
    licensing: Licensing = Licensing()
    sections: Sections = Sections()
    schools: Schools = Schools()
    school_groups: SchoolGroups = SchoolGroups()
    contacts: Contacts = Contacts()
    guards: Guards = Guards()
    protect: Protect = Protect()
    plan: PlanRules = PlanRules()
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _fits_together(self) -> Profile:
        misfits = list(self._misfits())
        if misfits:
            raise ValueError("; ".join(misfits))
        return self

    def _misfits(self) -> Iterator[str]:
        """What in one table contradicts another one."""
        if (self.students.licenses or self.staff.licenses) and self.tenant.usage_location is None:
            yield 'licenses need tenant.usage_location, for example "US"'
        for name, people in self.people():
            if self.licensing.intune_for_education and not people.licenses:
                yield f"intune_for_education licenses everybody for Intune, and {name}.licenses names no licence"
        groups = self.school_groups
        if "teachers" in (*self.groups_of_all, *groups.per_school) and not self.sections.owner_roles:
            asks = "school_groups" if "teachers" in (*groups.all, *groups.per_school) else "intune_for_education"
            yield f"{asks} asks for groups of teachers, and sections.owner_roles says that there are none"
        if groups.per_school and "school" not in placeholders(groups.name) and len(self.roster.schools) != 1:
            yield "school_groups.name needs {school}: the groups of all schools would have one name"
        if not self.tenant.education:
            yield from self._without_education()
        if self.plan.seconds == 0:
            yield f'plan.expires = "{self.plan.expires}" lets no plan be applied; give it at least a minute'

    def _without_education(self) -> Iterator[str]:
        """Properties that only the education endpoints have."""
        for table, chosen, there in (
            ("students", self.students.properties, ()),
            ("staff", self.staff.properties, ("title",)),
            ("sections", self.sections.properties, ()),
            ("schools", self.schools.properties, ()),
        ):
            lost = [name for name in chosen if name not in there]
            if lost:
                yield f'{table}.properties names {", ".join(lost)}, which only tenant.anchor = "education" can keep'

    @property
    def digest(self) -> str:
        """SHA-256 of what the profile says, whatever its layout and comments."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def groups_of_all(self) -> tuple[Literal["students", "teachers"], ...]:
        """The tenant-wide school groups: those that are asked for, and the default groups of Intune for Education."""
        return ("students", "teachers") if self.licensing.intune_for_education else self.school_groups.all

    def people(self) -> tuple[tuple[str, People], ...]:
        """Both sides with their names, students first."""
        return (("students", self.students), ("staff", self.staff))

    def roster_path(self, override: Path | None) -> Path:
        """The roster to read: the flag's, else the profile's, relative to the profile file."""
        if override is not None:
            return override
        if self.roster.path is None:
            raise ProfileError("The profile names no roster.", ["Set path under [roster], or give --roster PATH."])
        return self.folder / self.roster.path


def load_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises `ProfileError` with one line per fault: where in the file, what is wrong.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ProfileError(
            f"The profile {path} cannot be read: {error.strerror or error}.",
            ["`provision init` writes one to start from."],
        ) from None
    except UnicodeDecodeError:
        raise ProfileError(f"The profile {path} is not UTF-8 text.", ["Save it as UTF-8."]) from None
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"The profile {path} is not valid TOML: {error}.") from None
    if "folder" in tables:
        raise ProfileError(f"The profile {path} cannot be used.", ["folder: there is no such name"])
    try:
        return Profile(**tables, folder=path.resolve().parent)
    except ValidationError as error:
        raise ProfileError(f"The profile {path} cannot be used.", _faults(error)) from None


_IN_PLAIN_WORDS = {
    "missing": "is missing",
    "tuple_type": 'must be a list, for example ["a", "b"]',
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
"""What pydantic finds, by its name for it, as somebody who writes TOML would say it."""


def _faults(error: ValidationError) -> list[str]:
    """A line for each fault: where in the file, what is wrong, and the name that may have been meant."""
    lines = []
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"]) or "profile"
        if item["type"] == "extra_forbidden":
            *above, name = item["loc"]
            text = f"there is no such name{_meant(above, str(name))}"
        elif item["type"] == "literal_error":
            known = re.findall(r"'([^']*)'", item["ctx"]["expected"])
            text = f"'{item['input']}' is none of {', '.join(known)}{nearest(str(item['input']), known)}"
        else:
            text = _IN_PLAIN_WORDS.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {text}")
    return lines


def _meant(place: Sequence[int | str], name: str) -> str:
    """The name of this table that is near, else the table that has such a name, else all names of this table."""
    table: type[BaseModel] = Profile
    for part in place:
        if isinstance(part, str):
            table = _table_of(table.model_fields[part].annotation) or table
    known = names_of(table)
    tables = {key: _table_of(field.annotation) for key, field in Profile.model_fields.items()}
    elsewhere = [f"[{key}]" for key, other in tables.items() if other and name in names_of(other)]
    here = nearest(name, known)
    if here or not elsewhere:
        return here or f"; the names here are {', '.join(known)}"
    return f" here; it stands in {' and '.join(elsewhere)}"


def names_of(table: type[BaseModel]) -> list[str]:
    """The names that a table of the profile may have, as the file spells them."""
    return [field.alias or name for name, field in table.model_fields.items() if not field.exclude]


def _table_of(kind: object) -> type[BaseModel] | None:
    """The table that a name holds, or a list of them; None where it is a plain value."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind if issubclass(kind, _Table) and kind is not Limit else None
    return next((table for inner in get_args(kind) if (table := _table_of(inner))), None)
