"""What each resource type of the directory has, as data.

From the published metadata of v1.0 and the resource pages (learn.microsoft.com/graph/api/resources/user,
group, administrativeunit, educationuser, educationclass, educationschool). A name that is not here is
refused, so that a wrong spelling of ours is found by the fake and not by a school.
"""

from __future__ import annotations

from provision.sandbox.properties import (
    Property,
    Resource,
    complex_,
    computed,
    country,
    date,
    flag,
    list_of,
    moment,
    once,
    one_of,
    text,
    texts,
)


def _names(text_: str) -> tuple[str, ...]:
    return tuple(text_.split())


ADDRESS = complex_(city=text(), countryOrRegion=text(), postalCode=text(), state=text(), street=text())
SOURCE = one_of("sis", "manual")

_ACCOUNT: dict[str, Property] = {
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
    "usageLocation": country(),
    "userPrincipalName": text(113, clear=False),
    "userType": text(),
}
_NEW_ACCOUNT = _names("accountEnabled displayName mailNickname passwordProfile userPrincipalName")

USER = Resource(
    name="User",
    wire="microsoft.graph.user",
    context="users",
    properties={
        **_ACCOUNT,
        "ageGroup": one_of("minor", "notAdult", "adult"),
        "city": text(128),
        "companyName": text(64),
        "consentProvidedForMinor": one_of("granted", "denied", "notRequired"),
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
    required=_NEW_ACCOUNT,
    filterable=_names("""
        id accountEnabled assignedLicenses createdDateTime department displayName employeeId givenName
        jobTitle mail mailNickname onPremisesExtensionAttributes onPremisesImmutableId
        onPremisesSyncEnabled otherMails proxyAddresses surname usageLocation userPrincipalName userType
    """),
    shown=_names("""
        id businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage
        surname userPrincipalName
    """),
)

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
        relationship=one_of(*_names("parent relative aide doctor guardian child other"), clear=False),
    ),
    "residenceAddress": ADDRESS,
    "student": complex_(
        birthDate=date(),
        externalId=text(),
        gender=one_of("female", "male", "other"),
        grade=text(),
        graduationYear=text(),
        studentNumber=text(),
    ),
    "teacher": complex_(externalId=text(), teacherNumber=text()),
}

EDUCATION_USER = Resource(
    name="EducationUser",
    wire="microsoft.graph.educationUser",
    context="education/users",
    properties=_EDUCATION_USER,
    required=_NEW_ACCOUNT,
    filterable=_names("""
        id accountEnabled displayName externalSource givenName mail mailNickname primaryRole surname
        usageLocation userPrincipalName userType
    """),
    shown=tuple(name for name in _EDUCATION_USER if name != "passwordProfile"),
)

GROUP = Resource(
    name="Group",
    wire="microsoft.graph.group",
    context="groups",
    properties={
        "id": computed(),
        "assignedLabels": computed(many=True),
        "assignedLicenses": computed(many=True),
        "classification": text(),
        "createdDateTime": computed(),
        "deletedDateTime": computed(),
        "description": text(1024),
        "displayName": text(256, clear=False),
        "expirationDateTime": computed(),
        "groupTypes": once(texts()),
        "hasMembersWithLicenseErrors": computed(),
        "isAssignableToRole": once(flag()),
        "licenseProcessingState": computed(),
        "mail": computed(),
        "mailEnabled": once(flag(clear=False)),
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
        "resourceBehaviorOptions": once(texts()),
        "resourceProvisioningOptions": texts(),
        "securityEnabled": flag(clear=False),
        "securityIdentifier": computed(),
        "serviceProvisioningErrors": computed(many=True),
        "theme": text(),
        "uniqueName": once(text(128)),
        "visibility": one_of("Public", "Private", "HiddenMembership"),
    },
    required=_names("displayName mailEnabled mailNickname securityEnabled"),
    filterable=_names("""
        id assignedLicenses createdDateTime description displayName groupTypes hasMembersWithLicenseErrors
        mail mailEnabled mailNickname onPremisesSyncEnabled resourceProvisioningOptions securityEnabled
        uniqueName visibility
    """),
    shown=_names("""
        id deletedDateTime classification createdDateTime description displayName expirationDateTime
        groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule
        membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime
        onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier
        onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses renewedDateTime
        resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier
        serviceProvisioningErrors theme uniqueName visibility
    """),
)

_CLASS = {
    "id": computed(),
    "classCode": text(),
    "course": complex_(courseNumber=text(), description=text(), displayName=text(), externalId=text(), subject=text()),
    "createdBy": computed(),
    "description": text(1024),
    "displayName": text(256, clear=False),
    "externalId": text(),
    "externalName": text(),
    "externalSource": SOURCE,
    "externalSourceDetail": text(),
    "grade": text(),
    "mailNickname": text(64, clear=False),
    "term": complex_(displayName=text(), endDate=date(), externalId=text(), startDate=date()),
}

CLASS = Resource(
    name="EducationClass",
    wire="microsoft.graph.educationClass",
    context="education/classes",
    properties=_CLASS,
    required=_names("displayName mailNickname"),
    filterable=_names("id classCode displayName externalId externalName externalSource mailNickname"),
    shown=tuple(_CLASS),
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
    name="EducationSchool",
    wire="microsoft.graph.educationSchool",
    context="education/schools",
    properties=_SCHOOL,
    required=("displayName",),
    filterable=_names("id displayName externalId externalSource schoolNumber"),
    shown=tuple(_SCHOOL),
)

_UNIT = {
    "id": computed(),
    "deletedDateTime": computed(),
    "description": text(1024),
    "displayName": text(256, clear=False),
    "isMemberManagementRestricted": once(flag()),
    "membershipRule": text(),
    "membershipRuleProcessingState": text(),
    "membershipType": text(),
    "visibility": once(one_of("Public", "HiddenMembership")),
}

UNIT = Resource(
    name="AdministrativeUnit",
    wire="microsoft.graph.administrativeUnit",
    context="directory/administrativeUnits",
    properties=_UNIT,
    required=("displayName",),
    filterable=_names("id description displayName visibility"),
    shown=tuple(_UNIT),
)

RESOURCES = (USER, EDUCATION_USER, GROUP, CLASS, SCHOOL, UNIT)
