"""Small OneRoster rosters, and what their tests ask of a roster that was read."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provision.errors import RosterError
from provision.formats import load_roster
from provision.roster.options import RosterOptions
from provision.roster.summary import findings
from provision.store import in_memory

STORE = in_memory()  # loading empties the tables first, so one store serves every test
STORE.run("SET threads = 1")  # quicker where tables are small
Files = Mapping[str, str]

ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
USERS_1_1 = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n"
)
ENROLLMENTS = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
)
DEMOGRAPHICS = (
    "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,"
    "nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,"
    "countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus\n"
)
BOTH = {
    "orgs.csv": ORGS + "D,,,Lake District,district,,\nA,,,Ash School,school,A-7,D\nB,,,Birch School,school,,D\n",
    "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,"
    "schoolYear\nY,,,Year,schoolYear,2026-08-24,2027-06-11,,2027\nT,,,Autumn,term,2026-08-24,2026-12-19,Y,2027\n",
    "courses.csv": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,"
    'subjects,subjectCodes\nK,,,Y,Art for all,ART,"04,5",D,Fine arts,05154\n',
    "classes.csv": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n"
    'c1,,,Art 4,04,K,ART-4,scheduled,Room 3,A,"T, Y",Fine arts,05154,"1,2"\nc2,,,Homeroom,,,,homeroom,,A,Y,,,\n',
    "enrollments.csv": ENROLLMENTS + "e1,,,c1,A,s1,student,,2026-08-24,2026-12-19\ne2,,,c1,A,s2,student,,,\n"
    "e3,,,c1,A,t1,teacher,true,,\ne4,,,c2,A,s1,student,,,\n",
    "demographics.csv": DEMOGRAPHICS + "s1,,,2016-02-03,female,false,true,,,true,true,true,US,WA,Port Lake,01652\n",
}
V1_1 = {
    **BOTH,
    "users.csv": USERS_1_1 + "s1,,,true,A,student,ada,{Local:1},Ada,Berg,May,n1,ADA@X.ORG,+12025550101,202 555 0102,"
    '"g1,g2",04,Pw-1\ns2,,,true,"A, B",student,bo,,Bo,Cole,,,,,,,05,\nt1,,,true,A,teacher,cy,,Cy,Dahl,,,,,,,,\n'
    "g1,,,true,A,parent,gus,,Gus,Berg,,,gus@x.org,,,s1,,\ng2,,,true,A,guardian,gia,,Gia,Egg,,,gia@x.org,,,,,\n",
}
USERS_1_2 = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,"
    "sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,"
    "preferredFamilyName,primaryOrgSourcedId,pronouns\n"
)
ROLES = (
    "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId\n"
)
V1_2 = {
    **BOTH,
    "users.csv": USERS_1_2
    + "s1,,,true,ada,{Local:1},Ada,Berg,May,n1,ADA@X.ORG,+12025550101,202 555 0102,g1,4,Pw-1,M1,Addie,M,B,A,she/her\n"
    "s2,,,true,bo,,Bo,Cole,,,,,,,05,,,,,,B,\nt1,,,true,cy,,Cy,Dahl,,,,,,,,,,,,,,\n"
    "g1,,,true,gus,,Gus,Berg,,,gus@x.org,,,,,,,,,,,\n",
    "roles.csv": ROLES + "r1,,,s1,primary,student,2026-08-24,2027-06-11,A,p1\nr2,,,s2,primary,student,,,A,\n"
    "r3,,,s2,primary,student,,,B,\nr4,,,t1,primary,teacher,,,A,\nr5,,,t1,secondary,counselor,,,B,\n"
    "r6,,,g1,primary,relative,,,A,\n",
    "userProfiles.csv": "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId,applicationId,"
    "description,credentialType,username,password\np1,,,s1,app,pond,pond-3,Reading,password,ada17,Pw-2\n",
}
SDS_V2 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nA,Ash School,school,\n",
    "users.csv": "sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade\n"
    "s1,A,Ada,Berg,ada,,student,04\n",
    "classes.csv": "sourcedId,orgSourcedId,title\nc1,A,Art\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\nc1,s1,student\n",
}
SDS_V2_1 = {
    **SDS_V2,
    "users.csv": "sourcedId,username,givenName,familyName\ns1,ada,Ada,Berg\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,grade\ns1,A,student,04\n",
}
SETS: dict[str, dict[str, str]] = {
    "oneroster-1.1": V1_1,
    "oneroster-1.2": V1_2,
    "sds-v2": SDS_V2,
    "sds-v2.1": SDS_V2_1,
}


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    return folder


def load(folder: Path, files: Files, *, keep_passwords: bool = False) -> str:
    return load_roster(STORE, write(folder, files), RosterOptions(keep_passwords=keep_passwords)).format


def refusal(folder: Path, files: Files = {}) -> str:  # noqa: B006  # it is only read
    with pytest.raises(RosterError) as refused:
        load(folder, files)
    return "\n".join((refused.value.message, *refused.value.details))


def changed(files: Files, name: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """The set with some text of one file replaced."""
    text = files[name]
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return {**files, name: text}


def added(files: Files, name: str, *rows: str) -> dict[str, str]:
    """The set with more rows in one file."""
    return {**files, name: files[name] + "".join(row + "\n" for row in rows)}


def table(columns: str, name: str) -> list[tuple[Any, ...]]:
    return STORE.rows(f"SELECT {columns} FROM roster.{name} ORDER BY ALL")


def held() -> set[tuple[str, str, str | None]]:
    return set(STORE.rows("SELECT kind, id, other_id FROM roster.held"))


def found() -> set[tuple[str, str, str | None]]:
    """Rule, severity and value of the findings that are not about classes without members and the like."""
    return {(each.rule, each.severity, each.value) for each in findings(STORE) if each.rule not in LIFE}


LIFE = {
    "several-sessions", "session-ended", "section-without-teacher", "section-without-students", "teacher-elsewhere",
    "enrollment-role-differs", "several-primary-roles",
}  # fmt: skip
"""What these small schools are, and what is not looked at here."""


MANIFEST = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"


def manifest(version: str = "1.1", **modes: str) -> str:
    return MANIFEST.replace("1.1", version) + "".join(f"file.{name},{mode}\n" for name, mode in modes.items())


def package(path: Path, files: Files) -> Path:
    """A ZIP if the name asks for one, else a folder."""
    if path.suffix != ".zip":
        return write(path, files)
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return path
