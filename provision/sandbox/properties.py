"""What each resource type has: the names, types and limits of its properties, as data.

From the published metadata of v1.0 and the resource pages (learn.microsoft.com/graph/api/resources/user, group,
administrativeunit, educationuser, educationclass, educationschool). A name that is not here is refused, so that a
wrong spelling of ours is found by the fake and not by a school.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from provision.sandbox import errors
from provision.sandbox.tenant import Values


@dataclass(frozen=True, slots=True)
class Property:
    """One property: the check its values must pass and when they may be set."""

    good: Callable[[object], bool]
    many: bool = False
    create: bool = True
    update: bool = True
    clear: bool = True
    parts: Mapping[str, Property] = field(default_factory=dict)

    def empty(self) -> list[object] | None:
        """What stands for "never set" in an answer."""
        return [] if self.many else None


@dataclass(frozen=True, slots=True)
class Resource:
    """A type: its name in messages and on the wire, its properties, and how lists of it may be queried."""

    name: str
    wire: str
    context: str
    properties: Mapping[str, Property]
    required: tuple[str, ...]
    filterable: tuple[str, ...]
    shown: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether the type has this property; directory extensions are taken on trust."""
        return name in self.properties or name.startswith("extension_")

    def view(self, values: Values, names: tuple[str, ...] | None) -> Values:
        """An object as an answer shows it: the selected properties, or the default ones."""
        get = values.get
        properties = self.properties
        shown = {}
        for name in names or self.shown:
            value = get(name)
            shown[name] = properties[name].empty() if value is None and name in properties else value
        return shown


# -- kinds of values


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


def _is_country(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{2}", value) is not None


def text(longest: int = 0, *, clear: bool = True) -> Property:
    """A string, at most `longest` characters if that is not 0."""
    return Property(
        lambda value: isinstance(value, str) and (not longest or len(value) <= longest), clear=clear
    )


def texts() -> Property:
    """A list of strings; `[]` empties it, null is refused."""
    return Property(
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
        many=True,
        clear=False,
    )


def one_of(*choices: str, clear: bool = True) -> Property:
    """An enumeration."""
    return Property(lambda value: value in choices, clear=clear)


def flag(*, clear: bool = True) -> Property:
    """true or false."""
    return Property(lambda value: isinstance(value, bool), clear=clear)


def moment() -> Property:
    """An ISO 8601 date and time."""
    return Property(lambda value: isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) is not None)


def complex_(**parts: Property) -> Property:
    """An object with named parts."""
    return Property(lambda value: isinstance(value, dict), parts=parts)


def list_of(**parts: Property) -> Property:
    """A list of such objects."""
    return Property(
        lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value),
        many=True,
        clear=False,
        parts=parts,
    )


def computed(*, many: bool = False) -> Property:
    """Only the service sets it."""
    return Property(lambda _: False, many=many, create=False, update=False)


def only_at_creation(prop: Property) -> Property:
    """It can be set once."""
    return replace(prop, update=False)


DATE = Property(_is_date)
ADDRESS = complex_(city=text(), countryOrRegion=text(), postalCode=text(), state=text(), street=text())
SOURCE = one_of("sis", "manual")

# -- the types

_ACCOUNT = {
    "id": computed(),
    "accountEnabled": flag(clear=False),
    "assignedLicenses": computed(many=True),
    "assignedPlans": computed(many=True),
    "businessPhones": texts(),
    "department": text(64),
    "displayName": text(256, clear=False),
    "givenName": text(64),
    "mail": text(),
    "mailNickname": text(64, clear=False),
    "mobilePhone": text(),
    "officeLocation": text(),
    "passwordPolicies": text(),
    "passwordProfile": complex_(
        password=text(), forceChangePasswordNextSignIn=flag(), forceChangePasswordNextSignInWithMfa=flag()
    ),
    "preferredLanguage": text(),
    "provisionedPlans": computed(many=True),
    "showInAddressList": flag(),
    "surname": text(64),
    "usageLocation": Property(_is_country, clear=False),
    "userPrincipalName": text(113, clear=False),
    "userType": text(),
}
_NEW_ACCOUNT = ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName")

USER = Resource(
    "User",
    "microsoft.graph.user",
    "users",
    {
        **_ACCOUNT,
        "ageGroup": one_of("Minor", "NotAdult", "Adult", "minor", "notAdult", "adult"),
        "city": text(128),
        "companyName": text(64),
        "consentProvidedForMinor": one_of("Granted", "Denied", "NotRequired", "granted", "denied", "notRequired"),
        "country": text(128),
        "createdDateTime": computed(),
        "creationType": computed(),
        "deletedDateTime": computed(),
        "employeeHireDate": moment(),
        "employeeId": text(16),
        "employeeType": text(),
        "externalUserState": computed(),
        "faxNumber": text(),
        "imAddresses": computed(many=True),
        "jobTitle": text(128),
        "lastPasswordChangeDateTime": computed(),
        "legalAgeGroupClassification": computed(),
        "licenseAssignmentStates": computed(many=True),
        "onPremisesDistinguishedName": computed(),
        "onPremisesDomainName": computed(),
        "onPremisesExtensionAttributes": complex_(**{f"extensionAttribute{n}": text(1024) for n in range(1, 16)}),
        "onPremisesImmutableId": text(),
        "onPremisesLastSyncDateTime": computed(),
        "onPremisesProvisioningErrors": computed(many=True),
        "onPremisesSamAccountName": computed(),
        "onPremisesSecurityIdentifier": computed(),
        "onPremisesSyncEnabled": computed(),
        "onPremisesUserPrincipalName": computed(),
        "otherMails": texts(),
        "postalCode": text(40),
        "proxyAddresses": computed(many=True),
        "securityIdentifier": computed(),
        "signInSessionsValidFromDateTime": computed(),
        "state": text(128),
        "streetAddress": text(1024),
    },
    _NEW_ACCOUNT,
    ("id", "accountEnabled", "department", "displayName", "employeeId", "givenName", "jobTitle", "mail", "mailNickname",
     "onPremisesSyncEnabled", "onPremisesImmutableId", "otherMails", "proxyAddresses", "surname", "usageLocation",
     "userPrincipalName", "userType", "assignedLicenses", "createdDateTime", "onPremisesExtensionAttributes"),
    ("id", "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
     "preferredLanguage", "surname", "userPrincipalName"),
)  # fmt: skip

_EDUCATION_USER = {
    **_ACCOUNT,
    "createdBy": computed(),
    "externalSource": SOURCE,
    "externalSourceDetail": text(),
    "mailingAddress": ADDRESS,
    "middleName": text(),
    "onPremisesInfo": complex_(immutableId=text()),
    "primaryRole": one_of("student", "teacher", "none", clear=False),
    "refreshTokensValidFromDateTime": computed(),
    "relatedContacts": list_of(
        accessConsent=flag(),
        displayName=text(clear=False),
        emailAddress=text(clear=False),
        mobilePhone=text(),
        relationship=one_of(
            "parent", "relative", "aide", "doctor", "guardian", "child", "other", clear=False
        ),
    ),
    "residenceAddress": ADDRESS,
    "student": complex_(
        birthDate=DATE,
        externalId=text(),
        gender=one_of("female", "male", "other"),
        grade=text(),
        graduationYear=text(),
        studentNumber=text(),
    ),
    "teacher": complex_(externalId=text(), teacherNumber=text()),
}
EDUCATION_USER = Resource(
    "EducationUser",
    "microsoft.graph.educationUser",
    "education/users",
    _EDUCATION_USER,
    _NEW_ACCOUNT,
    ("id", "accountEnabled", "displayName", "givenName", "mail", "mailNickname", "primaryRole", "surname",
     "usageLocation", "userPrincipalName", "userType", "externalSource"),
    tuple(name for name in _EDUCATION_USER if name != "passwordProfile"),
)  # fmt: skip

GROUP = Resource(
    "Group",
    "microsoft.graph.group",
    "groups",
    {
        "id": computed(),
        "assignedLabels": computed(many=True),
        "assignedLicenses": computed(many=True),
        "classification": text(),
        "createdDateTime": computed(),
        "deletedDateTime": computed(),
        "description": text(1024),
        "displayName": text(256, clear=False),
        "expirationDateTime": computed(),
        "groupTypes": only_at_creation(texts()),
        "hasMembersWithLicenseErrors": computed(),
        "isAssignableToRole": only_at_creation(flag()),
        "licenseProcessingState": computed(),
        "mail": computed(),
        "mailEnabled": only_at_creation(flag(clear=False)),
        "mailNickname": text(64, clear=False),
        "membershipRule": text(),
        "membershipRuleProcessingState": text(),
        "onPremisesDomainName": computed(),
        "onPremisesLastSyncDateTime": computed(),
        "onPremisesProvisioningErrors": computed(many=True),
        "onPremisesSamAccountName": computed(),
        "onPremisesSecurityIdentifier": computed(),
        "onPremisesSyncEnabled": computed(),
        "preferredDataLocation": text(),
        "preferredLanguage": text(),
        "proxyAddresses": computed(many=True),
        "renewedDateTime": computed(),
        "resourceBehaviorOptions": only_at_creation(texts()),
        "resourceProvisioningOptions": texts(),
        "securityEnabled": flag(clear=False),
        "securityIdentifier": computed(),
        "serviceProvisioningErrors": computed(many=True),
        "theme": text(),
        "uniqueName": only_at_creation(text(128)),
        "visibility": one_of("Public", "Private", "HiddenMembership"),
    },
    ("displayName", "mailEnabled", "mailNickname", "securityEnabled"),
    ("id", "assignedLicenses", "description", "displayName", "groupTypes", "hasMembersWithLicenseErrors", "mail",
     "mailEnabled", "mailNickname", "onPremisesSyncEnabled", "resourceProvisioningOptions", "securityEnabled",
     "uniqueName", "visibility", "createdDateTime"),
    ("id", "deletedDateTime", "classification", "createdDateTime", "description", "displayName", "expirationDateTime",
     "groupTypes", "isAssignableToRole", "mail", "mailEnabled", "mailNickname", "membershipRule",
     "membershipRuleProcessingState", "onPremisesDomainName", "onPremisesLastSyncDateTime",
     "onPremisesProvisioningErrors", "onPremisesSamAccountName", "onPremisesSecurityIdentifier",
     "onPremisesSyncEnabled", "preferredDataLocation", "preferredLanguage", "proxyAddresses", "renewedDateTime",
     "resourceBehaviorOptions", "resourceProvisioningOptions", "securityEnabled", "securityIdentifier",
     "serviceProvisioningErrors", "theme", "uniqueName", "visibility"),
)  # fmt: skip

_CLASS = {
    "id": computed(),
    "classCode": text(),
    "course": complex_(
        courseNumber=text(), description=text(), displayName=text(), externalId=text(), subject=text()
    ),
    "createdBy": computed(),
    "description": text(1024),
    "displayName": text(256, clear=False),
    "externalId": text(),
    "externalName": text(),
    "externalSource": SOURCE,
    "externalSourceDetail": text(),
    "grade": text(),
    "mailNickname": text(64, clear=False),
    "term": complex_(displayName=text(), endDate=DATE, externalId=text(), startDate=DATE),
}
CLASS = Resource(
    "EducationClass",
    "microsoft.graph.educationClass",
    "education/classes",
    _CLASS,
    ("displayName", "mailNickname"),
    ("id", "displayName", "externalId", "externalName", "mailNickname", "externalSource", "classCode"),
    tuple(_CLASS),
)

_SCHOOL = {
    "id": computed(),
    "address": ADDRESS,
    "createdBy": computed(),
    "description": text(1024),
    "displayName": text(256, clear=False),
    "externalId": text(),
    "externalPrincipalId": text(),
    "externalSource": SOURCE,
    "externalSourceDetail": text(),
    "fax": computed(),
    "highestGrade": text(),
    "lowestGrade": text(),
    "phone": text(),
    "principalEmail": text(),
    "principalName": text(),
    "schoolNumber": text(),
}
SCHOOL = Resource(
    "EducationSchool",
    "microsoft.graph.educationSchool",
    "education/schools",
    _SCHOOL,
    ("displayName",),
    ("id", "displayName", "externalId", "schoolNumber", "externalSource"),
    tuple(_SCHOOL),
)

_UNIT = {
    "id": computed(),
    "deletedDateTime": computed(),
    "description": text(1024),
    "displayName": text(256, clear=False),
    "isMemberManagementRestricted": only_at_creation(flag()),
    "membershipRule": text(),
    "membershipRuleProcessingState": text(),
    "membershipType": text(),
    "visibility": only_at_creation(one_of("Public", "HiddenMembership")),
}
UNIT = Resource(
    "AdministrativeUnit",
    "microsoft.graph.administrativeUnit",
    "directory/administrativeUnits",
    _UNIT,
    ("displayName",),
    ("id", "displayName", "description", "visibility"),
    tuple(_UNIT),
)

RESOURCES = (USER, EDUCATION_USER, GROUP, CLASS, SCHOOL, UNIT)


# -- bodies of writes


def read_body(resource: Resource, body: Values, *, creating: bool) -> Values:
    """The properties that `body` sets, checked. Annotations (`@odata.…`, `…@odata.bind`) are left out.

    Raises `GraphError`: unknown or read-only names, wrong values, what is required and missing.
    """
    given = {name: value for name, value in body.items() if "@odata." not in name}
    if creating:
        for name in resource.required:
            if given.get(name) in (None, "", {}):
                raise errors.value_required(name, resource.name)
    for name, value in given.items():
        _check(resource, name, value, creating)
    return {name: _plain(value) for name, value in given.items()}


def _check(resource: Resource, name: str, value: object, creating: bool) -> None:
    prop = resource.properties.get(name)
    if prop is None:
        if name.startswith("extension_"):
            return
        raise errors.unknown_property(name)
    if not (prop.create if creating else prop.update):
        raise errors.read_only(name)
    if value is None:
        if not prop.clear:
            raise errors.invalid_value(name, resource.name)
    elif not prop.good(value):
        raise errors.invalid_value(name, resource.name)
    else:
        _check_parts(resource, name, prop, value)


def _check_parts(resource: Resource, name: str, prop: Property, value: object) -> None:
    items = value if isinstance(value, list) else [value]
    for item in items if prop.parts else ():
        for part, inner in item.items():
            if "@odata." in part:
                continue
            if part not in prop.parts:
                raise errors.unknown_property(f"{name}/{part}")
            if inner is not None and not prop.parts[part].good(inner):
                raise errors.invalid_value(f"{name}/{part}", resource.name)


def _plain(value: object) -> object:
    """The value without the type annotations that the SDK adds to complex ones."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if "@odata." not in name}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def merge(old: Values, new: Values) -> Values:
    """What a PATCH sets: complex values are merged part by part, as OData asks, everything else replaced."""
    merged = {}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            value = {part: inner for part, inner in {**before, **value}.items() if inner is not None}
        merged[name] = value
    return merged
