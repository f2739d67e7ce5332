"""Users: the account and its education data in one POST, then what that endpoint does not know."""

from __future__ import annotations

from urllib.parse import quote

from provision.apply.writer import Write
from provision.graph.request import MADE, Request
from provision.graph.writes.kind import EXTERNAL_SOURCE, Get, Kind, properties, target, with_parts

EDUCATION = {
    "middle_name": "middleName",
    "primary_role": "primaryRole",
    "external_source": "externalSource",
}
PARTS = {
    "student": {
        "student_id": "externalId",
        "grade": "grade",
        "student_number": "studentNumber",
        "graduation_year": "graduationYear",
        "birth_date": "birthDate",
    },
    "teacher": {"teacher_id": "externalId", "teacher_number": "teacherNumber"},
}
BASICS = {
    "display_name": "displayName",
    "given_name": "givenName",
    "family_name": "surname",
    "mail_nickname": "mailNickname",
    "user_principal_name": "userPrincipalName",
    "usage_location": "usageLocation",
}
ACCOUNT_ONLY = {  # /education/users does not have them
    "account_enabled": "accountEnabled",
    "job_title": "jobTitle",
    "employee_id": "employeeId",
    "age_group": "ageGroup",
    "consent": "consentProvidedForMinor",
}


def requests(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    """A create, or an update of the two sides of one user; never the password of one that exists."""
    return _create(write) if write.action == "create" else _update(write)


def _create(write: Write) -> list[Request]:
    body = {
        "accountEnabled": True,
        "externalSource": EXTERNAL_SOURCE,
        **with_parts(write.fields, BASICS | EDUCATION, PARTS, blanks=False),
        "passwordProfile": {"password": write.password, "forceChangePasswordNextSignIn": True},
    }
    chain = [Request("POST", "/education/users", body)]
    if rest := properties(write.fields, ACCOUNT_ONLY, blanks=False):
        chain.append(Request("PATCH", f"/users/{MADE}", rest))
    return chain


def _update(write: Write) -> list[Request]:
    user = target(write)
    education = with_parts(write.fields, EDUCATION, PARTS, blanks=True)
    account = properties(write.fields, BASICS | ACCOUNT_ONLY, blanks=True)
    chain = []
    if education:
        chain.append(Request("PATCH", f"/education/users/{user}", education, ids=(user,)))
    if account:
        chain.append(Request("PATCH", f"/users/{user}", account, ids=(user,)))
    return chain


async def find(write: Write, get: Get) -> str | None:
    """The account with our sign-in name, if it bears our external id: otherwise it is somebody else's."""
    name = quote(str(write.fields["user_principal_name"]), safe="@")
    account = await get(f"/users/{name}?$select=id")
    if not account.ok:
        return None
    user = str(account.fields["id"])
    person = await get(f"/education/users/{user}?$select=id,student,teacher")
    anchors = {
        part: write.fields[column]
        for part, column in (("student", "student_id"), ("teacher", "teacher_id"))
        if write.fields.get(column) is not None
    }
    ours = person.ok and all((person.fields.get(p) or {}).get("externalId") == a for p, a in anchors.items())
    return user if ours and anchors else None


KIND = Kind("user", requests, find=find)
