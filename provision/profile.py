"""The sync profile: one TOML file that says what a run may do.

The names are a contract with the people who wrote profiles; an unknown name or value is refused with its place in
the file, never ignored. What a later version will do and this one does not is refused too, rather than silently
left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from provision.errors import ProfileError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SANDBOX = "sandbox"
PLACEHOLDER = re.compile(r"\{([a-z]+)(?::([1-9][0-9]?))?\}")
DOMAIN = r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$"

Domain = Annotated[str, Field(pattern=DOMAIN)]


def _not_yet(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"'{value}' is not supported by this version; use {' or '.join(map(repr, allowed))}")
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
    anchor: Annotated[str, _not_yet("education")] = "education"

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
    password: Annotated[str, _not_yet("random", "roster")] = "random"  # noqa: S105  # a style, not a secret
    display_name: Annotated[str, _template(*NAME_FIELDS)] = "{given} {family}"

    @model_validator(mode="after")
    def _domain_for_new_accounts(self) -> People:
        if self.mode == "create" and self.domain is None:
            raise ValueError('mode = "create" needs a domain for the accounts it makes')
        unknown = [sku for sku in self.disabled_plans if sku not in self.licenses]
        if unknown:
            raise ValueError(f"disabled_plans names {unknown[0]}, which is not among licenses")
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

    method: Annotated[str, _not_yet("direct")] = "direct"
    intune_for_education: NotYet = False


def _iso_date(value: str) -> str:
    if value:
        date.fromisoformat(value)
    return value


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


class Schools(_Table):
    """`[schools]`: one administrative unit per school."""

    administrative_units: bool = True
    types: tuple[str, ...] = SCHOOL_TYPES
    moves: Literal["keep", "move"] = "keep"
    properties: tuple[Literal["school_number", "address", "phone", "principal", "grades"], ...] = ()


class SchoolGroups(_Table):
    """`[school_groups]`: security groups of students and of teachers."""

    all: tuple[Literal["students", "teachers"], ...] = ()
    per_school: tuple[Literal["students", "teachers"], ...] = ()
    name: Annotated[str, _template("role", "school")] = "{role} - {school}"


class Contacts(_Table):
    """`[contacts]`."""

    guardians: NotYet = False


class Guards(_Table):
    """`[guards]`: how much one run may change. Every guard is on by default."""

    roster_shrinks: Limits = (Limit(percent=10),)
    creates: Limits = (Limit(percent=25),)
    updates: Limits = (Limit(percent=50),)
    member_removals: Limits = (Limit(count=200), Limit(percent=5))
    removals_per_section: Limits = (Limit(percent=50),)
    removals_per_school: Limits = (Limit(percent=20),)
    errors: Limits = (Limit(percent=5),)
    minimum: int = Field(default=10, ge=0)


class Protect(_Table):
    """`[protect]`: accounts that are never written."""

    roles: bool = True
    users: tuple[str, ...] = ()


class PlanRules(_Table):
    """`[plan]`."""

    expires: Annotated[str, Field(pattern=r"^[0-9]{1,4}[mhd]$")] = "72h"
    approval: Literal["none", "required"] = "none"

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
        if (self.students.licenses or self.staff.licenses) and self.tenant.usage_location is None:
            raise ValueError('licenses need tenant.usage_location, for example "US"')
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what the profile says, whatever its layout and comments."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

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


def _faults(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in item["loc"]) or "profile"
        if item["type"] == "extra_forbidden":
            text = "there is no such name; look for a typing error"
        else:
            text = item["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {text}")
    return lines
