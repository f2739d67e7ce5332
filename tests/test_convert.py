"""Every target gives a valid bundle, says truly what it cannot hold, and loses nothing that it can."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.cli import main
from provision.cli.convert import TargetName
from provision.convert import TARGETS, convert, reading
from provision.convert.bundle import seal
from provision.convert.ids import MAY_BE_SILENT, forget_what_left
from provision.convert.target import Target
from provision.errors import ProvisionError, RosterError, UsageError
from provision.formats import load_roster
from provision.roster import codes
from provision.roster.conversion import Conversion, Difference
from provision.roster.fill import ENTITIES
from provision.roster.options import RosterOptions
from provision.roster.summary import findings
from provision.store import in_memory

pytestmark = pytest.mark.once

Files = Mapping[str, str]
Capture = pytest.CaptureFixture[str]

STORE = in_memory()  # loading empties the tables first, so one store serves every test
STORE.run("SET threads = 1")  # quicker where tables are small
BY_NAME = {target.format.name: target for target in TARGETS}
OPTIONS = reading(RosterOptions())
YEAR = "2026-08-24/2027-06-18"

V1 = {
    "School.csv": "SIS ID,Name,School Number,Grade Low,Grade High,Principal SIS ID,Address,City,Zip,Phone,Zone\n"
    "010,Ash School,10,KG,12,0009,1 Quay,Hull,01234,+4420111,N\n011,Oak School,,,,,,,,,\n",
    "Student.csv": "SIS ID,School SIS ID,Username,First Name,Last Name,Password,State ID,Secondary Email,"
    "Student Number,Middle Name,Grade,Status,Birthdate,Graduation Year\n"
    "0001,010,ada,Ada,Berg,Pw-1,ST1,ada@example.org,77,Lu,04,Active,2016-02-03,2034\n"
    "0001,011,ada,Ada,Berg,Pw-1,ST1,ada@example.org,77,Lu,05,Active,2016-02-03,2034\n"
    "0009,011,eli,Eli,Fox,,,,,,KG,,,\n",
    "Teacher.csv": "SIS ID,School SIS ID,Username,First Name,Last Name,Title,Qualification,Teacher Number\n"
    "0009,010,cy,Cy,Dahl,Dr,MA,5\n0010,010,di,Di,Ek,,,\n",
    "Section.csv": "SIS ID,School SIS ID,Section Name,Section Number,Term SIS ID,Term Name,Term StartDate,Term EndDate,"
    "Course SIS ID,Course Name,Course Number,Course Description,Course Subject,Periods,Status\n"
    '007,010,"Art, ""free""",7-A,,"Fall, 26",2026-08-24,2026-12-18,K,Arts,A1,All of it,05,1,Active\n'
    "008,010,Music,,T2,Spring,2027-01-04,2027-06-18,,,M1,,Singing,2,\n",
    "StudentEnrollment.csv": "Section SIS ID,SIS ID\n007,0001\n008,0009\n",
    "TeacherRoster.csv": "Section SIS ID,SIS ID\n007,0009\n007,0010\n008,0009\n",
    "user.csv": "Email,First Name,Last Name,Phone,SIS ID\nkin@example.org,Kim,Berg,+15550100,\n"
    "gus@example.org,Gus,Fox,,G7\n",
    "guardianrelationship.csv": "SIS ID,Email,Role\n0001,kin@example.org,parent\n0009,gus@example.org,doctor\n"
    "0009,kin@example.org,\n",
}
V2 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nD,District,district,\n010,Ash School,School,D\n",
    "users.csv": "sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade\n"
    "0001,010,Ada,Berg,ada,Pw-1,Student,4\n0009,010,Cy,Dahl,cy,,teacher,\n0010,010,Di,Ek,di,,nurse,\n"
    "0011,D,Fay,Gil,fay,,administrator,\n",
    "classes.csv": "sourcedId,orgSourcedId,title\n007,010,Art\n008,D,Staff day\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\n007,0001,Student\n007,0009,Professor\n007,0010,aide\n"
    "008,0011,student\n",
}
V2_1 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\n"
    "D,Harbor,ministryOfEducation,\n010,Ash,school,D\n011,Elm,college,D\n",
    "users.csv": "sourcedId,username,givenName,familyName,middleName,password,activeDirectoryMatchId,email,phone,sms,"
    "userNumber\n0001,ada,=Ada,Berg,+Lu,Pw-1,ada@m.example,ada@example.org,+15550100,15550101,77\n"
    "0009,cy,Cy,@Dahl,,,,,,,\n0010,di,-Di,Ek,,,,,,,\n0012,kin@example.org,Kim,Berg,,,,kin@example.org,,,\n"
    "0013,doc,Dr,Who,,,,doc@example.org,,,\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate\n"
    "0001,010,student,Y,04,true,2026-08-24,2027-06-18\n0009,010,professor,,,true,,\n0009,011,teacher,,,false,,\n"
    "0010,D,itAdmin,,,true,,\n0009,D,administrator,,,false,,\n",
    "classes.csv": "sourcedId,orgSourcedId,title,code,sessionSourcedIds,courseSourcedId\n"
    '007,010,=Art,A-1,"Y,T",K\n008,011,Late,,T,\n',
    "enrollments.csv": "classSourcedId,userSourcedId,role\n007,0001,student\n007,0009,professor\n007,0009,teacher\n"
    "008,0010,aide\n",
    "academicSessions.csv": "sourcedId,title,type,schoolYear,startDate,endDate\n"
    "Y,Year,schoolYear,2026,2026-08-24,2027-06-18\nT,Term,quarter,2026,2026-08-24,2026-10-30\n",
    "courses.csv": "sourcedId,orgSourcedId,title,code,schoolYearSourcedId,subject,grade\n"
    "K,010,Arts,A,Y,05,04\nL,,Left,,,,\n",
    "demographics.csv": "userSourcedId,sex,birthDate,birthCity,birthState,birthCountry,ethnicityCodes,raceCodes\n"
    '0001,notSelected,2016-02-03,Oslo,WA,USA,hispanicOrLatinoEthnicity,"asian,white"\n0009,male,,,,,,\n',
    "userFlags.csv": "userSourcedId,flag\n0001,ELL\n0001,504\n",
    "relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole\n"
    "0001,0012,guardian\n0001,0013,doctor\n",
}
CLEVER = {
    "schools.csv": "School_id,School_name,School_number,Low_grade\n010,Ash School,10,Kindergarten\n",
    "students.csv": "School_id,Student_id,Student_number,First_name,Last_name,Grade,Gender,DOB,Race,Hispanic_Latino,"
    "Ell_status,Frl_status,Username,Contact_relationship,Contact_type,Contact_name,Contact_phone,Contact_email,"
    "Contact_sis_id\n"
    "010,0001,77,Ada,Berg,4,F,02/03/2016,W,Y,Y,F,ada,Mother,primary,Kim Berg,15550100,kin@example.org,0009\n"
    "010,0002,,Bo,Cole,Ungraded,X,,,,,,,Neighbour,emergency,Ned Ox,15550101,,\n",
    "teachers.csv": "School_id,Teacher_id,First_name,Last_name,Teacher_email,Title\n"
    "010,0009,Cy,Dahl,cy@example.org,Ms\n",
    "staff.csv": "School_id,Staff_id,Staff_email,First_name,Last_name,Role\n"
    "DEFAULT_DISTRICT_OFFICE,0009,stu@example.org,Stu,Eck,\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Name,Section_number,Grade,Course_name,Course_number,Period,"
    "Subject,Term_name,Term_start,Term_end\n"
    "010,007,0009,Art,7,4,Arts,A1,2,Arts and music,Fall,08/24/2026,12/18/2026\n010,008,0009,,,,Maths,,3,Math,,,\n",
    "enrollments.csv": "School_id,Section_id,Student_id\n010,007,0001\n010,008,0002\n",
}
ONEROSTER = {
    "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n",
    "orgs.csv": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
    "D,,,Harbor,district,,\n010,,,Ash,school,10,D\n011,,,Elm,school,11,D\n",
    "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,"
    "schoolYear\nY,,,Year,schoolYear,2026-08-24,2027-06-18,,2027\nT,,,Term,term,2026-08-24,2026-12-18,Y,2027\n",
    "courses.csv": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,"
    'subjects,subjectCodes\nK,,,Y,Arts,A1,"04,05",010,"Art,Craft",05154\n',
    "classes.csv": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n"
    '007,,,Art,04,K,A-1,homeroom,Room 1,010,"Y,T",Art,05,"1,2"\n',
    "users.csv": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,"
    "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns\n"
    '0001,,,true,ada,"{Fed:1},{LDAP:a}",Ada,Berg,,77,ada@example.org,,,"0012,0013","05,04",,M1,Addie,Q,B,010,she\n'
    "0009,,,true,cy,,Cy,Dahl,,,,,,,,,,,,,,\n0012,,,true,kin,,Kim,Berg,,,,,15550100,,,,,,,,,\n"
    "0013,,,false,ned,,Ned,Ox,,,,,,,,,,,,,,\n",
    "roles.csv": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId\nr1,,,0001,primary,student,2026-08-24,,010,\nr2,,,0001,primary,student,,,011,\n"
    "r3,,,0009,primary,teacher,,,010,p1\nr4,,,0009,secondary,counselor,,,010,\nr5,,,0012,primary,parent,,,010,\n"
    "r6,,,0013,primary,relative,,,010,\nr7,,,0009,primary,districtAdministrator,,,D,\n"
    "r8,,,0009,primary,systemAdministrator,,,011,\n",
    "enrollments.csv": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate\ne1,,,007,010,0001,student,,2026-08-24,2027-01-01\ne2,,,007,010,0009,teacher,true,,\n",
    "demographics.csv": "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,"
    "blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,"
    "hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus\n"
    "0001,,,2016-02-03,other,false,true,,,true,,true,US,WA,Kent,01652\n",
    "userProfiles.csv": "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId,applicationId,"
    "description,credentialType,username,password\np1,,,0009,LMS,v,app,Her account,password,cy2,pw\n",
}
SETS: dict[str, Files] = {
    "sds-v1": V1, "sds-v2": V2, "sds-v2.1": V2_1, "clever": CLEVER, "oneroster-1.2": ONEROSTER,
}  # fmt: skip
PAIRS = list(itertools.product(SETS, BY_NAME))


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    return folder


def converted(
    roster: Path, to: str, out: Path, *, format_name: str = "auto", options: RosterOptions = OPTIONS, **more: Any
) -> Conversion:
    load_roster(STORE, roster, options, format_name)
    return convert(STORE, BY_NAME[to], out, options, **{"school_year": YEAR, **more})


def rows(path: Path) -> list[dict[str, str]]:
    """A file of a bundle as any strict reader sees it."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def cells(out: Path) -> list[tuple[str, str, str]]:
    """File, header and value of every cell that has a value."""
    return [(path.name, header, value) for path in sorted(out.iterdir()) for row in rows(path)
            for header, value in row.items() if value]  # fmt: skip


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def told(done: Conversion) -> set[tuple[str, str]]:
    """What is lost or changed, as (table.column or table, what)."""
    return {(named(one), one.what) for one in done.differences if one.what != "made"}


def named(one: Difference) -> str:
    return one.table if one.column is None else f"{one.table}.{one.column}"


def documented(target: str, one: Difference) -> bool:
    """Whether the tables of docs/convert.md say that this may be."""
    known = BY_NAME[target]
    if one.what == "made":
        return named(one) in known.made
    places = known.holds() | {held.partition(".")[0] for held in known.holds()}
    return named(one) in known.narrows or named(one) not in places


def canonical() -> dict[str, list[Any]]:
    """The roster tables without the origin of their rows."""
    return {
        table: STORE.rows(f"SELECT * EXCLUDE (file, record) FROM roster.{table} ORDER BY ALL") for table in ENTITIES
    }


# -- the bundle is what the target's description asks for; the lists here are its, not ours

HEADERS = {
    "sds-v2.1": {
        "orgs.csv": "sourcedId,name,type,parentSourcedId",
        "users.csv": "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms",
        "roles.csv": "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate",
        "classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId",
        "enrollments.csv": "classSourcedId,userSourcedId,role",
        "academicSessions.csv": "sourcedId,title,type,schoolYear,startDate,endDate",
        "courses.csv": "sourcedId,orgSourcedId,title,code,schoolYearSourcedId,subject,grade",
        "demographics.csv": "userSourcedId,sex,birthDate,birthCity,birthState,birthCountry,ethnicityCodes,raceCodes",
        "userFlags.csv": "userSourcedId,flag",
        "relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole",
    },
    "sds-v1": {
        "School.csv": "SIS ID,Name,School Number,School NCES_ID,State ID,Grade Low,Grade High,Principal SIS ID,"
        "Principal Name,Principal Secondary Email,Address,City,State,Country,Zip,Phone,Zone",
        "Student.csv": "SIS ID,School SIS ID,First Name,Last Name,Username,Password,State ID,Secondary Email,"
        "Student Number,Middle Name,Grade,Status,Birthdate,Graduation Year",
        "Teacher.csv": "SIS ID,School SIS ID,First Name,Last Name,Username,Password,State ID,Teacher Number,Status,"
        "Middle Name,Secondary Email,Title,Qualification",
        "Section.csv": "SIS ID,School SIS ID,Section Name,Section Number,Term SIS ID,Term Name,Term StartDate,"
        "Term EndDate,Course SIS ID,Course Name,Course Number,Course Description,Course Subject,Periods,Status",
        "StudentEnrollment.csv": "Section SIS ID,SIS ID",
        "TeacherRoster.csv": "Section SIS ID,SIS ID",
        "user.csv": "Email,First Name,Last Name,Phone,SIS ID",
        "guardianrelationship.csv": "SIS ID,Email,Role",
    },
    "oneroster-1.2": {
        "academicSessions.csv": "title,type,startDate,endDate,parentSourcedId,schoolYear",
        "orgs.csv": "name,type,identifier,parentSourcedId",
        "courses.csv": "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
        "classes.csv": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,"
        "subjects,subjectCodes,periods",
        "enrollments.csv": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        "users.csv": "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
        "agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,"
        "preferredFamilyName,primaryOrgSourcedId,pronouns",
        "roles.csv": "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
        "userProfiles.csv": "userSourcedId,profileType,vendorId,applicationId,description,credentialType,username,"
        "password",
        "demographics.csv": "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,"
        "nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,"
        "countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
    },
}  # fmt: skip
EXTRA = {"users.csv": ["middleName", "userNumber"], "classes.csv": ["code"]}
"""Headers of SDS V2.1 that Microsoft's sample lacks: they stand where somebody has a value for them."""
for _name, _headers in HEADERS["oneroster-1.2"].items():
    HEADERS["oneroster-1.2"][_name] = "sourcedId,status,dateLastModified," + _headers

V2_1_ORG_TYPES = [
    "school", "ministryOfEducation", "localAuthority", "department", "university", "region", "district", "college",
    "division", "local", "campus", "province", "state", "adultEducation", "researchCenter", "national",
    "municipality", "program", "departmentOfEducation", "academicTrust",
]  # fmt: skip
V2_1_ROLES = [
    "student", "visionTherapist", "substitute", "paraprofessional", "principal", "proctor", "teacherAssistant",
    "specialServices", "teacher", "professor", "advisor", "administrator", "lecturer", "coach",
    "occupationalTherapist", "affiliate", "assistant", "physicalTherapist", "adjunct", "staff", "speechTherapist",
    "instructor", "alumni", "chair", "itAdmin", "officeStaff",
]  # fmt: skip
"""Those that stand in both of Microsoft's lists, of roles in an organisation and in a class."""
KINSHIP = ["parent", "relative", "doctor", "guardian", "child", "other", "aide", "administrator"]
CLASS_IDS = {("sds-v2.1", "classes.csv", "sourcedId"), ("sds-v1", "Section.csv", "SIS ID")}
"""They become part of an address of mail."""
WORDS = {
    ("sds-v2.1", "orgs.csv", "type"): V2_1_ORG_TYPES,
    ("sds-v2.1", "academicSessions.csv", "type"): ["schoolYear", "semester", "term", "gradingPeriod", "quarter"],
    ("sds-v2.1", "demographics.csv", "sex"): ["male", "female", "notSelected"],
    ("sds-v2.1", "roles.csv", "isPrimary"): ["true", "false"],
    ("sds-v2.1", "roles.csv", "role"): [*V2_1_ROLES, "researcher", "nurse", "faculty", "other"],
    ("sds-v2.1", "enrollments.csv", "role"): [*V2_1_ROLES, "aide"],
    ("sds-v2.1", "relationships.csv", "relationshipRole"): KINSHIP,
    ("sds-v1", "guardianrelationship.csv", "Role"): KINSHIP,
    ("sds-v2.1", "courses.csv", "subject"): [f"{n:02}" for n in range(1, 25) if n != 6],
    ("oneroster-1.2", "orgs.csv", "type"): ["department", "school", "district", "local", "state", "national"],
    ("oneroster-1.2", "academicSessions.csv", "type"): ["gradingPeriod", "semester", "schoolYear", "term"],
    ("oneroster-1.2", "classes.csv", "classType"): ["homeroom", "scheduled"],
    ("oneroster-1.2", "enrollments.csv", "role"): ["administrator", "proctor", "student", "teacher"],
    ("oneroster-1.2", "enrollments.csv", "primary"): ["true", "false"],
    ("oneroster-1.2", "users.csv", "enabledUser"): ["true"],
    ("oneroster-1.2", "roles.csv", "roleType"): ["primary", "secondary"],
    ("oneroster-1.2", "roles.csv", "role"): [
        "aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative",
        "siteAdministrator", "student", "systemAdministrator", "teacher"],
    ("oneroster-1.2", "demographics.csv", "sex"): ["male", "female", "unspecified", "other"],
    **{("oneroster-1.2", "demographics.csv", race): ["true", "false"]
       for race in (*codes.RACES, *codes.ETHNICITIES)},
}  # fmt: skip
REQUIRED = {
    "sds-v2.1": {
        "orgs.csv": "sourcedId name type", "users.csv": "sourcedId username", "roles.csv":
        "userSourcedId orgSourcedId role", "classes.csv": "sourcedId orgSourcedId title", "enrollments.csv":
        "classSourcedId userSourcedId role", "courses.csv": "sourcedId title", "demographics.csv": "userSourcedId",
        "academicSessions.csv": "sourcedId title type schoolYear startDate endDate", "userFlags.csv":
        "userSourcedId flag", "relationships.csv": "userSourcedId relationshipUserSourcedId relationshipRole",
    },
    "oneroster-1.2": {
        "academicSessions.csv": "sourcedId title type startDate endDate schoolYear", "orgs.csv": "sourcedId name type",
        "courses.csv": "sourcedId title orgSourcedId", "classes.csv":
        "sourcedId title courseSourcedId classType schoolSourcedId termSourcedIds", "enrollments.csv":
        "sourcedId classSourcedId schoolSourcedId userSourcedId role", "users.csv":
        "sourcedId enabledUser username givenName familyName", "roles.csv":
        "sourcedId userSourcedId roleType role orgSourcedId", "demographics.csv": "sourcedId", "userProfiles.csv":
        "sourcedId userSourcedId profileType vendorId credentialType username",
    },
}  # fmt: skip
REFERENCES = {
    "sds-v2.1": """
        orgs.parentSourcedId=orgs roles.userSourcedId=users roles.orgSourcedId=orgs
        roles.sessionSourcedId=academicSessions classes.orgSourcedId=orgs classes.sessionSourcedIds=academicSessions
        classes.courseSourcedId=courses enrollments.classSourcedId=classes enrollments.userSourcedId=users
        courses.orgSourcedId=orgs courses.schoolYearSourcedId=academicSessions demographics.userSourcedId=users
        userFlags.userSourcedId=users relationships.userSourcedId=users
        relationships.relationshipUserSourcedId=users""",
    "oneroster-1.2": """
        orgs.parentSourcedId=orgs academicSessions.parentSourcedId=academicSessions
        courses.schoolYearSourcedId=academicSessions courses.orgSourcedId=orgs classes.courseSourcedId=courses
        classes.schoolSourcedId=orgs classes.termSourcedIds=academicSessions enrollments.classSourcedId=classes
        enrollments.schoolSourcedId=orgs enrollments.userSourcedId=users users.agentSourcedIds=users
        users.primaryOrgSourcedId=orgs roles.userSourcedId=users roles.orgSourcedId=orgs
        roles.userProfileSourcedId=userProfiles userProfiles.userSourcedId=users demographics.sourcedId=users""",
}


def faults(target: str, out: Path) -> list[str]:
    """What a strict reader that is not ours would say of a bundle."""
    found = []
    for path in sorted(out.iterdir()):
        raw = path.read_bytes()
        lines = raw.decode("utf-8").split("\r\n")
        if raw.startswith(b"\xef\xbb\xbf") or lines.pop() or any(set("\r\n") & set(line) for line in lines):
            found.append(f"{path.name}: not UTF-8 lines with CRLF")
        if path.name == "manifest.csv":
            continue
        header = HEADERS[target].get(path.name, "").split(",")
        extra = lines[0].split(",")[len(header) :]
        if lines[0].split(",")[: len(header)] != header or extra != [
            one for one in EXTRA.get(path.name, []) if one in extra
        ]:
            found.append(f"{path.name}: {lines[0]}")
        found += [f"{path.name}: {one} is empty" for one in extra if not any(row[one] for row in rows(path))]
        required = REQUIRED.get(target, {}).get(path.name, "").split()
        found += [f"{path.name}: {one} missing" for row in rows(path) for one in required if not row[one]]
    for name, column, value in cells(out):
        if value not in WORDS.get((target, name, column), [value]):
            found.append(f"{name} {column}: {value}")
        if (target, name, column) in CLASS_IDS and not re.fullmatch(r"[A-Za-z0-9!$'+=^_`-]{1,56}", value):
            found.append(f"{name} {column}: {value} in an address")
    return found + dangling(target, out)


def dangling(target: str, out: Path) -> list[str]:
    """References that lead nowhere, and ids that stand twice."""
    ids = {}
    for path in out.iterdir():
        header = next(
            (one for one in ("sourcedId", "SIS ID") if one in HEADERS[target].get(path.name, "").split(",")), ""
        )
        ids[path.stem] = [row[header] for row in rows(path)] if header else []
    if target == "sds-v1":
        return []
    found = [f"{name}: an id twice" for name, known in ids.items() if len(known) != len(set(known))]
    for reference in REFERENCES[target].split():
        name, header, to = re.split("[.=]", reference)
        if (out / f"{name}.csv").exists():
            for row in rows(out / f"{name}.csv"):
                several = header in ("sessionSourcedIds", "termSourcedIds", "agentSourcedIds")
                named_ = row[header].split(",") if several else [row[header]]
                found += [f"{reference}: {id_}" for id_ in named_ if id_ and id_ not in ids.get(to, [])]
    return found


@dataclass(frozen=True)
class Bundle:
    """What came of a set in `folder`."""

    folder: Path
    done: Conversion


MADE: list[Path] = []


@cache
def bundle(source: str, target: str) -> Bundle:
    """A set as it was converted, made once."""
    folder = Path(tempfile.mkdtemp())
    MADE.append(folder)
    done = converted(write(folder / "in", SETS[source]), target, folder / "out", format_name=source)
    return Bundle(folder / "out", done)


@pytest.fixture(scope="module", autouse=True)
def _tidy() -> Iterator[None]:
    yield
    for folder in MADE:
        shutil.rmtree(folder)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_format_becomes_a_valid_bundle_of_every_target(source: str, target: str) -> None:
    made = bundle(source, target)
    assert faults(target, made.folder) == []
    assert {name: len(rows(made.folder / name)) for name in made.done.files} == dict(made.done.files)
    assert set(made.done.files) == {path.name for path in made.folder.iterdir()} - {"manifest.csv"}
    assert load_roster(STORE, made.folder, OPTIONS).format == target  # it is recognised by itself
    assert [one for one in findings(STORE) if one.severity != "note"] == []


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_converting_again_changes_nothing_more(tmp_path: Path, source: str, target: str) -> None:
    once, out = bundle(source, target).folder, tmp_path / "out"
    done = converted(once, target, out, school_year="")
    assert content(out) == content(once)
    assert done.differences == ()


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_docs_say_of_every_difference_that_it_may_be(source: str, target: str) -> None:
    assert [one for one in bundle(source, target).done.differences if not documented(target, one)] == []


@pytest.mark.parametrize("name", sorted(set(SETS) & set(BY_NAME)))
def test_a_format_loses_nothing_in_itself(tmp_path: Path, name: str) -> None:
    assert bundle(name, name).done.differences == ()
    load_roster(STORE, write(tmp_path / "in", SETS[name]), OPTIONS, name)
    before = canonical()
    load_roster(STORE, bundle(name, name).folder, OPTIONS, name)
    assert canonical() == before


# -- what is lost, by hand


def differences(source: str, target: str) -> dict[tuple[str, str], Difference]:
    return {(named(one), one.what): one for one in bundle(source, target).done.differences}


def test_sds_v1_takes_who_learns_teaches_or_can_be_written_to() -> None:
    out, found = bundle("sds-v2.1", "sds-v1").folder, differences("sds-v2.1", "sds-v1")
    assert [(row["SIS ID"], row["School SIS ID"], row["Grade"]) for row in rows(out / "Student.csv")] == [
        ("0001", "010", "04")
    ]
    assert [(row["SIS ID"], row["School SIS ID"]) for row in rows(out / "Teacher.csv")] == [
        ("0009", "010"), ("0009", "011"), ("0009", "D")]  # fmt: skip
    assert [(row["Email"], row["SIS ID"]) for row in rows(out / "user.csv")] == [
        ("doc@example.org", "0013"), ("kin@example.org", "0012")]  # fmt: skip
    assert found["persons", "lost"].count == 1  # 0010, who does not teach
    assert (found["persons", "lost"].file, found["persons", "lost"].record) == ("users.csv", 4)
    assert found["orgs.type", "changed"].how == ("college → school", "ministryOfEducation → school")
    assert found["sections.session_ids", "lost"].count == 1
    assert found["roles.role", "changed"].how == ("administrator → teacher", "professor → teacher")


def test_sds_v1_says_term_and_course_with_the_class() -> None:
    first = rows(bundle("sds-v2.1", "sds-v1").folder / "Section.csv")[0]
    assert [first[name] for name in ("SIS ID", "Section Number", "Term SIS ID", "Term EndDate", "Course SIS ID",
                                     "Course Number", "Course Subject")] == [
        "007", "A-1", "Y", "2027-06-18", "K", "A", "05"]  # fmt: skip


def test_sds_v2_1_gives_ids_of_one_space() -> None:
    """Student and teacher 0009 of SDS V1, and in Clever a teacher, a contact and staff of that number."""
    out = bundle("sds-v1", "sds-v2.1").folder
    assert [row["sourcedId"] for row in rows(out / "users.csv")] == [
        "0001", "0009", "0010", "G7", "guardian/kin@example.org", "teacher/0009"]  # fmt: skip
    assert ("007", "teacher/0009") in [
        (row["classSourcedId"], row["userSourcedId"]) for row in rows(out / "enrollments.csv")
    ]
    assert differences("sds-v1", "sds-v2.1")["persons.source_id", "changed"].count == 1
    ids = [row["sourcedId"] for row in rows(bundle("clever", "sds-v2.1").folder / "users.csv")]
    assert {"0001", "0009", "contact/0009", "staff/0009"} < set(ids)


def test_sds_v2_1_takes_no_comma_in_the_id_of_a_session() -> None:
    out = bundle("sds-v1", "sds-v2.1").folder
    assert [(row["sourcedId"], row["title"], row["schoolYear"]) for row in rows(out / "academicSessions.csv")] == [
        ("Fall_ 26", "Fall, 26", "2026"), ("T2", "Spring", "2027")]  # fmt: skip
    assert rows(out / "classes.csv")[0]["sessionSourcedIds"] == "Fall_ 26"
    assert differences("sds-v1", "sds-v2.1")["sessions.id", "changed"].count == 1


def test_headers_of_sds_v2_1_that_the_sample_lacks_stand_only_where_needed() -> None:
    assert "middleName" in rows(bundle("sds-v2.1", "sds-v2.1").folder / "users.csv")[0]
    assert "middleName" not in rows(bundle("sds-v2", "sds-v2.1").folder / "users.csv")[0]


def test_oneroster_gets_what_it_must_have() -> None:
    out = bundle("sds-v2", "oneroster-1.2").folder
    (session,) = rows(out / "academicSessions.csv")
    assert list(session.values()) == ["school-year-2026-08-24", "", "", "School year 2027", "schoolYear", "2026-08-24",
                                      "2027-06-18", "", "2027"]  # fmt: skip
    assert [(row["sourcedId"], row["title"], row["orgSourcedId"]) for row in rows(out / "courses.csv")] == [
        ("class/007", "Art", "010"), ("class/008", "Staff day", "D")]  # fmt: skip
    assert [(row["userSourcedId"], row["role"], row["roleType"]) for row in sorted(
        rows(out / "roles.csv"), key=lambda row: row["userSourcedId"])] == [
        ("0001", "student", "primary"), ("0009", "teacher", "primary"), ("0010", "aide", "primary"),
        ("0011", "districtAdministrator", "primary")]  # fmt: skip
    assert sorted((row["userSourcedId"], row["role"]) for row in rows(out / "enrollments.csv")) == [
        ("0001", "student"), ("0009", "teacher"), ("0010", "proctor"), ("0011", "student")]  # fmt: skip


def test_oneroster_has_contacts_with_a_role_and_one_primary_role_in_a_school() -> None:
    out = bundle("sds-v2.1", "oneroster-1.2").folder
    roles = sorted(
        (row["userSourcedId"], row["orgSourcedId"], row["role"], row["roleType"]) for row in rows(out / "roles.csv")
    )
    assert roles == [
        ("0001", "010", "student", "primary"), ("0009", "010", "teacher", "primary"),
        ("0009", "011", "teacher", "primary"), ("0009", "D", "districtAdministrator", "primary"),
        ("0010", "D", "systemAdministrator", "primary"), ("0012", "010", "guardian", "primary"),
        ("0013", "010", "relative", "primary")]  # fmt: skip
    users = {row["sourcedId"]: row for row in rows(out / "users.csv")}
    assert users["0001"]["agentSourcedIds"] == "0012,0013"
    assert users["0009"]["primaryOrgSourcedId"] == "010"
    assert rows(out / "demographics.csv")[0]["asian"] == rows(out / "demographics.csv")[0]["white"] == "true"


def test_oneroster_has_a_manifest_of_what_is_there() -> None:
    out = bundle("sds-v2", "oneroster-1.2").folder
    said = {row["propertyName"]: row["value"] for row in rows(out / "manifest.csv")}
    assert (said["manifest.version"], said["oneroster.version"]) == ("1.0", "1.2")
    modes = {name: value for name, value in said.items() if name.startswith("file.")}
    assert {f"{name[5:]}.csv" for name, mode in modes.items() if mode == "bulk"} == {
        path.name for path in out.iterdir()} - {"manifest.csv"}  # fmt: skip
    assert modes["file.demographics"] == modes["file.lineItems"] == "absent"
    assert len(modes) == 21


def test_ids_that_oneroster_cannot_hold(tmp_path: Path) -> None:
    files = {
        "orgs.csv": V2["orgs.csv"],
        "users.csv": V2["users.csv"] + "a b,010,A,B,ab,,student,5\na_b,010,A,C,ac,,student,5\n",
        "classes.csv": V2["classes.csv"] + "9 #,010,Odd\n",
        "enrollments.csv": V2["enrollments.csv"] + "9 #,a b,student\n",
    }
    done = converted(write(tmp_path / "in", files), "oneroster-1.2", tmp_path / "out")
    ids = {row["sourcedId"] for row in rows(tmp_path / "out" / "users.csv")}
    assert "a_b" in ids
    (odd,) = [id_ for id_ in ids if re.fullmatch("a_b_[0-9a-f]{8}", id_)]  # a_b is taken
    assert ("9__", odd) in [
        (r["classSourcedId"], r["userSourcedId"]) for r in rows(tmp_path / "out" / "enrollments.csv")
    ]
    assert {("persons.source_id", "changed"), ("sections.id", "changed")} <= told(done)
    assert faults("oneroster-1.2", tmp_path / "out") == []


def test_sds_v2_1_has_in_each_file_the_roles_of_its_own_list(tmp_path: Path) -> None:
    """Microsoft's sample has `aide` as a role in an organisation, and `faculty` in a class; neither is in its lists."""
    files = {
        **V2_1,
        "roles.csv": V2_1["roles.csv"] + "0010,010,aide,,,,,\n0010,011,aide,,,,,\n0010,011,assistant,,,,,\n",
        "enrollments.csv": V2_1["enrollments.csv"] + "008,0009,faculty\n008,0012,nurse\n008,0013,researcher\n"
        "008,0001,other\n007,0010,faculty\n007,0010,instructor\n007,0012,nurse\n007,0012,researcher\n",
    }
    done = converted(write(tmp_path / "in", files), "sds-v2.1", tmp_path / "out")
    assert faults("sds-v2.1", tmp_path / "out") == []
    aides = [row for row in rows(tmp_path / "out" / "roles.csv") if row["userSourcedId"] == "0010"]
    assert [(row["orgSourcedId"], row["role"]) for row in aides] == [
        ("010", "assistant"), ("011", "assistant"), ("D", "itAdmin")]  # fmt: skip
    members = [(row["classSourcedId"], row["userSourcedId"], row["role"])
               for row in rows(tmp_path / "out" / "enrollments.csv")]  # fmt: skip
    assert members == [
        ("007", "0001", "student"), ("007", "0009", "professor"), ("007", "0009", "teacher"),
        ("007", "0010", "instructor"), ("007", "0012", "staff"), ("008", "0001", "affiliate"),
        ("008", "0009", "instructor"), ("008", "0010", "aide"), ("008", "0012", "staff"),
        ("008", "0013", "staff")]  # fmt: skip
    assert {(named(one), one.what): (one.count, one.how) for one in done.differences} == {
        ("roles.role", "changed"): (1, ("aide → assistant",)),
        ("roles", "lost"): (1, ()),
        ("enrollments.role", "changed"): (5, (
            "faculty → instructor", "nurse → staff", "other → affiliate", "researcher → staff")),
        ("enrollments", "lost"): (2, ()),
    }  # fmt: skip
    load_roster(STORE, tmp_path / "out", OPTIONS)
    assert [one for one in findings(STORE) if one.severity != "note"] == []
    assert all(documented("sds-v2.1", one) for one in done.differences)


@pytest.mark.parametrize("target", ["sds-v2.1", "sds-v1"])
def test_the_id_of_a_class_can_be_part_of_an_address(tmp_path: Path, target: str) -> None:
    files = {
        **V2,
        "classes.csv": V2["classes.csv"] + "a 1,010,Odd\nMath.7#é,010,Odder\n",
        "enrollments.csv": V2["enrollments.csv"] + "a 1,0001,student\nMath.7#é,0001,student\n",
    }
    done = converted(write(tmp_path / "in", files), target, tmp_path / "out")
    assert faults(target, tmp_path / "out") == []
    name, column = ("enrollments.csv", "classSourcedId") if target == "sds-v2.1" else (
        "StudentEnrollment.csv", "Section SIS ID")  # fmt: skip
    assert {"007", "a_1", "Math_7__"} <= {row[column] for row in rows(tmp_path / "out" / name)}
    (changed,) = [one for one in done.differences if named(one) == "sections.id"]
    assert (changed.what, changed.count, changed.file, changed.record) == ("changed", 2, "classes.csv", 4)


@pytest.mark.parametrize("target", BY_NAME)
def test_a_relation_that_nobody_knows_is_another_one(tmp_path: Path, target: str) -> None:
    load_roster(STORE, write(tmp_path / "in", V1), OPTIONS)
    STORE.run("UPDATE roster.relationships SET role = NULL WHERE role = 'doctor'")
    done = convert(STORE, BY_NAME[target], tmp_path / "out", OPTIONS, school_year=YEAR)
    assert faults(target, tmp_path / "out") == []
    said = {"sds-v2.1": ("relationships.csv", "relationshipRole"), "sds-v1": ("guardianrelationship.csv", "Role")}
    if target in said:
        name, column = said[target]
        assert sorted(row[column] for row in rows(tmp_path / "out" / name)) == ["other", "other", "parent"]
    (made,) = [one for one in done.differences if named(one) == "relationships.role" and one.what == "made"]
    assert (made.count, done.made[named(made)]) == (1, "`relative`" if target == "oneroster-1.2" else "`other`")


def test_contacts_that_school_data_sync_refuses_are_kept_and_counted(tmp_path: Path) -> None:
    files = {
        **V2_1,
        "users.csv": V2_1["users.csv"].replace("0013,doc,Dr,Who,", "0013,doc,,,") + "0014,nil,Al,Vik,,,,,,,\n"
        "0015,nobody,,,,,,,,,\n",
        "relationships.csv": V2_1["relationships.csv"] + "0001,0014,other\n0009,0014,other\n",
    }
    done = converted(write(tmp_path / "in", files), "sds-v2.1", tmp_path / "out")
    assert list(done.doubts.values()) == [2]
    assert "0014" in {row["sourcedId"] for row in rows(tmp_path / "out" / "users.csv")}
    assert list(bundle("sds-v2.1", "sds-v2.1").done.doubts.values()) == [0]


# -- the report is measured: whoever tampers with the bundle is found out


def tampered(target: str, file: str, **values: str) -> Target:
    """A target that writes something else under some headers of a file."""
    known = BY_NAME[target]
    files = [replace(one, values={**one.values, **values}) if one.name == file else one for one in known.files]
    return replace(known, files=tuple(files))


def test_a_value_that_is_not_what_was_read_is_reported(tmp_path: Path) -> None:
    load_roster(STORE, write(tmp_path / "in", V2_1), OPTIONS)
    wrong = tampered("sds-v2.1", "users.csv", givenName="nullif(persons.given_name, 'Cy')", phone="'15550000'")
    done = convert(STORE, wrong, tmp_path / "out", OPTIONS)
    assert {(named(one), one.what, one.count) for one in done.differences} == {
        ("persons.given_name", "lost", 1), ("persons.phone", "changed", 1), ("persons.phone", "made", 4)}  # fmt: skip


def test_a_record_that_is_not_there_or_too_many_is_reported(tmp_path: Path) -> None:
    load_roster(STORE, write(tmp_path / "in", V2_1), OPTIONS)
    wrong = tampered("sds-v2.1", "userFlags.csv", flag="CASE flags.flag WHEN '504' THEN 'IEP' ELSE flags.flag END")
    done = convert(STORE, wrong, tmp_path / "out", OPTIONS)
    assert {(named(one), one.what, one.count, one.file, one.record) for one in done.differences} == {
        ("flags", "lost", 1, "userFlags.csv", 3), ("flags", "made", 1, "userFlags.csv", 3)}  # fmt: skip


def test_a_bundle_that_reads_with_errors_is_not_kept(tmp_path: Path) -> None:
    load_roster(STORE, write(tmp_path / "in", V2_1), OPTIONS)
    wrong = tampered("sds-v2.1", "roles.csv", role="'wizard'")
    with pytest.raises(ProvisionError, match="reading it back failed") as refused:
        convert(STORE, wrong, tmp_path / "out", OPTIONS)
    assert "unknown-code: roles.csv row 2" in refused.value.details
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


# -- laws

TEXTS = st.text("abÉß日 ,\"'=+-@;\t\u00a0|", min_size=1, max_size=6).filter(lambda text: text.strip(" \t\u00a0"))
IDS = st.text("ab1 ,#/=é-_", min_size=1, max_size=4).filter(lambda text: text.strip(" "))
SOME = settings(
    max_examples=5, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)  # fmt: skip


def line(*values: object) -> str:
    return ",".join('"' + str(value).replace('"', '""') + '"' for value in values) + "\n"


def table(header: str, *rows_of: list[tuple[Any, ...]]) -> str:
    return header + "\n" + "".join(line(*row) for rows_ in rows_of for row in rows_)


@st.composite
def districts(draw: st.DrawFn) -> dict[str, str]:
    """A small district in SDS V2.1, with odd ids and texts; nearly every value may be missing."""

    def some(of: list[str], most: int = 4) -> list[str]:
        return draw(st.lists(st.sampled_from(of), unique=True, max_size=most)) if of else []

    def maybe(of: st.SearchStrategy[Any]) -> Any:
        return draw(st.one_of(st.just(""), of))

    def one(of: list[str]) -> str:
        return str(draw(st.sampled_from(of)))

    def optional(of: list[str]) -> str:
        return one(["", *of])

    def ids(most: int) -> list[str]:
        found = draw(st.lists(IDS, min_size=1, max_size=most, unique_by=lambda id_: id_.strip().casefold()))
        return [id_.strip() for id_ in found]

    orgs, people, classes, sessions, courses = ids(3), ids(6), ids(3), ids(3), ids(2)
    sessions = [id_.replace(",", "x") for id_ in sessions]
    day = st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(str)
    learners = some(people)
    roles, types, relations = list(codes.ROLES), list(codes.SESSION_TYPES), list(codes.RELATIONSHIPS)
    return {
        "orgs.csv": table("sourcedId,name,type,parentSourcedId",
            [(id_, draw(TEXTS), one(list(codes.ORG_TYPES)), "" if n == 0 else orgs[0]) for n, id_ in enumerate(orgs)]),
        "users.csv": table("sourcedId,username,givenName,familyName,middleName,email,phone,userNumber",
            [(id_, f"u{n}", maybe(TEXTS), maybe(TEXTS), maybe(TEXTS), maybe(st.just(f"p{n % 2}@example.org")),
              maybe(st.just("+15550100")), maybe(TEXTS)) for n, id_ in enumerate(people)]),
        "roles.csv": table("userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate",
            [(id_, org, "student", optional(sessions), optional(["04", "PS1"]), optional(["true", "false"]), maybe(day))
             for id_ in learners for org in some(orgs, 2)],
            [(id_, org, role, optional(sessions), "", optional(["true", "false"]), "")
             for id_ in some(people) for org in some(orgs, 2) for role in some(roles, 2)]),
        "classes.csv": table("sourcedId,orgSourcedId,title,code,sessionSourcedIds,courseSourcedId",
            [(id_, one(orgs), draw(TEXTS), maybe(TEXTS), ",".join(some(sessions)), optional(courses))
             for id_ in classes]),
        "enrollments.csv": table("classSourcedId,userSourcedId,role",
            [(id_, member, role) for id_ in classes for member in some(people)
             for role in some(["student", "teacher", "professor", "aide", "principal"], 2)]),
        "academicSessions.csv": table("sourcedId,title,type,schoolYear,startDate,endDate",
            [(id_, draw(TEXTS), one(types), 2026, *sorted((draw(day), draw(day)))) for id_ in sessions]),
        "courses.csv": table("sourcedId,orgSourcedId,title,code,schoolYearSourcedId,subject,grade",
            [(id_, optional(orgs), draw(TEXTS), maybe(TEXTS), optional(sessions), optional(["05"]), optional(["KG"]))
             for id_ in courses]),
        "demographics.csv": table("userSourcedId,sex,birthDate,raceCodes",
            [(id_, optional(list(codes.SEXES)), maybe(day), ",".join(some(list(codes.RACES))))
             for id_ in some(people)]),
        "userFlags.csv": table("userSourcedId,flag",
            [(id_, flag) for id_ in some(people) for flag in some(list(codes.FLAGS), 2)]),
        "relationships.csv": table("userSourcedId,relationshipUserSourcedId,relationshipRole",
            [(id_, other, role) for id_ in learners for other in some(people, 2) for role in some(relations, 2)]),
    }  # fmt: skip


def test_which_of_several_roles_leads_does_not_depend_on_their_rows(tmp_path: Path) -> None:
    """Found by the test below: written again the rows have another order."""
    people = [f"p{number}" for number in range(8)]
    places = (("B", "teacher", ""), ("B", "student", ""), ("010", "student", ""), ("010", "nurse", "true"))
    roles = "".join(f"{id_},{org},{role},{primary}\n" for id_ in people for org, role, primary in places)
    files = {
        "users.csv": "sourcedId,username\n" + "".join(f"{id_},{id_}\n" for id_ in people),
        "orgs.csv": "sourcedId,name,type\n010,Ash School,school\nB,Birch School,school\n",
        "roles.csv": f"userSourcedId,orgSourcedId,role,isPrimary\n{roles}",
    }
    converted(write(tmp_path / "in", files), "oneroster-1.2", tmp_path / "once", leave_out_errors=True)
    converted(tmp_path / "once", "oneroster-1.2", tmp_path / "twice", school_year="")
    assert content(tmp_path / "twice") == content(tmp_path / "once")


@pytest.mark.parametrize("target", BY_NAME)
@SOME
@given(files=districts())
def test_whatever_the_roster_the_bundle_is_valid_and_holds_what_it_can(target: str, files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        done = converted(write(folder / "in", files), target, folder / "once", leave_out_errors=True)
        assert faults(target, folder / "once") == []
        assert [one for one in done.differences if not documented(target, one)] == []
        again = converted(folder / "once", target, folder / "twice", school_year="")
        assert content(folder / "twice") == content(folder / "once")
        assert again.differences == ()
        if target == "sds-v2.1":
            assert {one.what for one in done.differences} <= {"changed"}
            assert {named(one) for one in done.differences} <= {"sections.id", "roles.role", "enrollments.role"}


# -- formulas


def test_what_a_spreadsheet_would_run_has_a_blank_before_it_and_reads_the_same() -> None:
    done = bundle("sds-v2.1", "sds-v2.1").done
    texts = cells(bundle("sds-v2.1", "sds-v2.1").folder)
    assert {value for _, header, value in texts if value[0] in " =+-@" and header != "phone"} == {
        " =Ada", " +Lu", " @Dahl", " -Di", " =Art"}  # fmt: skip
    assert ("users.csv", "phone", "+15550100") in texts  # telephone numbers are for programs
    assert done.formulas == 5
    load_roster(STORE, bundle("sds-v2.1", "sds-v2.1").folder, OPTIONS)
    assert STORE.value("SELECT given_name FROM roster.persons WHERE id = '0001'") == "=Ada"


# -- where it goes


def test_the_bundle_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        converted(write(tmp_path / "in", V2), "sds-v2.1", tmp_path / "out")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o600}
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_a_zip_holds_the_same_files_and_is_the_same_each_time(tmp_path: Path) -> None:
    roster = write(tmp_path / "in", V2)
    for name in ("one.zip", "two.ZIP"):
        converted(roster, "oneroster-1.2", tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.ZIP").read_bytes()
    assert stat.S_IMODE((tmp_path / "one.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {one.filename: archive.read(one) for one in archive.infolist()} == content(
            bundle("sds-v2", "oneroster-1.2").folder)  # fmt: skip
    assert load_roster(STORE, tmp_path / "one.zip", OPTIONS).format == "oneroster-1.2"


def test_an_empty_folder_is_filled_and_nothing_is_overwritten(tmp_path: Path) -> None:
    roster = write(tmp_path / "in", V2)
    for name in ("full", "empty", "empty.zip"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "orgs.csv").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "file.zip").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("full", "file", "file.zip", "empty.zip", "link", "in"):
        with pytest.raises(ProvisionError, match="is there already; nothing was written"):
            converted(roster, "sds-v2.1", tmp_path / name)
    with pytest.raises(ProvisionError, match="there is no folder"):
        converted(roster, "sds-v2.1", tmp_path / "no" / "where")
    assert (tmp_path / "full" / "orgs.csv").read_text() == (tmp_path / "file.zip").read_text() == "mine"
    converted(roster, "sds-v2.1", tmp_path / "empty")
    assert len(list((tmp_path / "empty").iterdir())) == 5


def test_whoever_takes_the_name_meanwhile_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(folder: Path, out: Path) -> Path:
        out.mkdir()
        (out / "orgs.csv").write_text("mine")
        return seal(folder, out)

    monkeypatch.setattr("provision.convert.seal", meanwhile)
    with pytest.raises(ProvisionError, match="is there already"):
        converted(write(tmp_path / "in", V2), "sds-v2.1", tmp_path / "out")
    assert content(tmp_path / "out") == {"orgs.csv": b"mine"}
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


# -- what is left out


def test_errors_stop_it_unless_the_rest_is_asked_for(tmp_path: Path) -> None:
    files = {**V2, "users.csv": V2["users.csv"] + "0099,nowhere,X,Y,x,,student,5\n"}
    roster = write(tmp_path / "in", files)
    with pytest.raises(RosterError, match="has 1 error; nothing was written") as refused:
        converted(roster, "sds-v2.1", tmp_path / "out")
    assert "--leave-out-errors" in refused.value.details[1]
    assert not (tmp_path / "out").exists()
    converted(roster, "sds-v2.1", tmp_path / "out", leave_out_errors=True)
    assert content(tmp_path / "out") == content(bundle("sds-v2", "sds-v2.1").folder)


ABOVE = {
    **V2_1,
    "orgs.csv": V2_1["orgs.csv"] + "D,Harbor again,district,\n",
    "roles.csv": "userSourcedId,orgSourcedId,role\n0001,010,student\n0009,011,teacher\n",
    "courses.csv": V2_1["courses.csv"] + "M,D,Maths,M,,,\n",
    "userFlags.csv": "userSourcedId,flag\n0001,ELL\n",
}
"""The organisation above the others stands there twice."""


@pytest.mark.parametrize("target", BY_NAME)
def test_nothing_refers_to_what_is_left_out(tmp_path: Path, target: str) -> None:
    roster = write(tmp_path / "in", ABOVE)
    done = converted(roster, target, tmp_path / "out", leave_out_errors=True)
    assert faults(target, tmp_path / "out") == []
    assert done.forgotten == {"orgs.parent_id": 2, "courses.org_id": 1}
    lost = {named(one): one.count for one in done.differences if one.what == "lost"}
    assert "orgs.parent_id" not in lost
    assert lost.get("courses.org_id") == (1 if target == "sds-v1" else None)  # that of another course
    load_roster(STORE, tmp_path / "out", OPTIONS)
    assert [one for one in findings(STORE) if one.severity != "note"] == []


@pytest.mark.parametrize(("table", "column"), [(one, each) for one, columns in MAY_BE_SILENT.items()
                                               for each in columns])  # fmt: skip
def test_every_reference_that_may_be_silent_is_let_go(tmp_path: Path, table: str, column: str) -> None:
    load_roster(STORE, write(tmp_path / "in", ONEROSTER), OPTIONS)
    assert forget_what_left(STORE) == {}
    known = STORE.value(f"SELECT count({column}) FROM roster.{table}")
    STORE.run(f"UPDATE roster.{table} SET {column} = 'gone' WHERE rowid = (SELECT min(rowid) FROM roster.{table})")
    known_after = STORE.value(f"SELECT count({column}) FROM roster.{table} WHERE {column} <> 'gone'")
    assert forget_what_left(STORE) == {}  # only what was held can have left
    STORE.run("INSERT INTO roster.held (kind, id) VALUES ('org', 'gone')")
    assert forget_what_left(STORE) == {f"{table}.{column}": 1}
    assert STORE.value(f"SELECT count({column}) FROM roster.{table}") == known_after <= known


def test_passwords_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    roster = write(tmp_path / "in", V2)
    options = reading(RosterOptions(), passwords=True)
    converted(roster, "sds-v2.1", tmp_path / "out", options=options)
    assert [row["password"] for row in rows(tmp_path / "out" / "users.csv")][:2] == ["Pw-1", ""]
    for target in BY_NAME:
        for name, text in content(bundle("sds-v2", target).folder).items():
            assert b"Pw-1" not in text, name


@pytest.mark.parametrize("target", ["sds-v2.1", "oneroster-1.2"])
def test_a_school_year_that_nobody_knows_is_asked_for(tmp_path: Path, target: str) -> None:
    undated = V1["Section.csv"].replace("2027-01-04,2027-06-18", ",").replace("2026-08-24,2026-12-18", "24.8.2026,")
    roster = write(tmp_path / "in", {**V1, "Section.csv": undated})
    with pytest.raises(RosterError, match="needs the dates of sessions") as refused:
        converted(roster, target, tmp_path / "out", school_year="")
    assert refused.value.details[0] == "2 records have none, the first is Section.csv row 2."
    assert "date_formats" in refused.value.details[1]
    done = converted(roster, target, tmp_path / "out")
    assert {(row["startDate"], row["endDate"]) for row in rows(tmp_path / "out" / "academicSessions.csv")} == {
        ("2026-08-24", "2027-06-18")}  # fmt: skip
    assert {one.count for one in done.differences if named(one) == "sessions.start_date"} == {2}


def test_a_school_year_is_known_from_the_other_sessions(tmp_path: Path) -> None:
    undated = V1["Section.csv"].replace("2027-01-04,2027-06-18", ",2026-09-30")
    converted(write(tmp_path / "in", {**V1, "Section.csv": undated}), "sds-v2.1", tmp_path / "out", school_year="")
    assert {(row["startDate"], row["endDate"]) for row in rows(tmp_path / "out" / "academicSessions.csv")} == {
        ("2026-08-24", "2026-12-18"), ("2026-08-24", "2026-09-30")}  # fmt: skip


@pytest.mark.parametrize("given", ["2026", "2026-08-24", "2027-01-01/2026-01-01", "2026-08-24/x", "a/b/c"])
def test_what_is_no_school_year_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(UsageError, match="is no school year"):
        converted(write(tmp_path / "in", V2), "sds-v2.1", tmp_path / "out", school_year=given)


def test_users_alone_become_users_alone(tmp_path: Path) -> None:
    alone = {name: V1[name] for name in ("School.csv", "Student.csv", "Teacher.csv")}
    alone["Teacher.csv"] = alone["Teacher.csv"].splitlines()[0] + "\n"
    roster = write(tmp_path / "in", alone)
    done = {target: set(converted(roster, target, tmp_path / target).files) for target in BY_NAME}
    assert done["sds-v2.1"] == {"orgs.csv", "users.csv", "roles.csv", "demographics.csv"}
    assert done["sds-v1"] == {"School.csv", "Student.csv", "Teacher.csv"}  # always needed, if only for its header
    assert done["oneroster-1.2"] == {"orgs.csv", "users.csv", "roles.csv", "demographics.csv"}


# -- the command


def run(arguments: list[str], capsys: Capture) -> tuple[int, str, str]:
    code = main(["convert", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_offers_every_target() -> None:
    assert [name.value for name in TargetName] == list(BY_NAME)


def test_the_command_writes_and_tells(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    roster, out = write(tmp_path / "in", V2), tmp_path / "out"
    code, said, _ = run([str(roster), str(out), "--to", "oneroster-1.2", "--school-year", YEAR], capsys)
    assert code == 0
    assert content(out) == content(bundle("sds-v2", "oneroster-1.2").folder)
    assert "OneRoster 1.2 CSV" in said
    assert re.search(r"changed +enrollments\.role +2 of 4 +enrollments\.csv row 3 +aide → proctor", said)
    assert re.search(r"filled in +courses +2 of 2 .* one for each class", said)


def test_the_command_as_json(tmp_path: Path, capsys: Capture) -> None:
    roster = write(tmp_path / "in", V2)
    code, said, _ = run([str(roster), str(tmp_path / "out"), "--to", "sds-v2.1", "--json"], capsys)
    assert code == 0
    told_ = json.loads(said)
    assert told_["files"] == dict(bundle("sds-v2", "sds-v2.1").done.files)
    assert told_["differences"] == []
    code, said, _ = run([str(roster), str(tmp_path / "v1"), "--to", "sds-v1", "--json"], capsys)
    lost = {(one["table"], one["column"], one["what"], one["count"]) for one in json.loads(said)["differences"]}
    assert ("orgs", "parent_id", "lost", 1) in lost


def test_the_command_reads_as_a_profile_does(tmp_path: Path, capsys: Capture) -> None:
    roster = write(tmp_path / "in", {**V1, "Section.csv": V1["Section.csv"].replace("2027-06-18", "18.6.2027")})
    profile = tmp_path / "p.toml"
    assert main(["init", str(tmp_path / "made")]) == 0
    text = (tmp_path / "made" / "profile.toml").read_text()
    profile.write_text(re.sub("date_formats = .*", 'date_formats = ["YYYY-MM-DD", "D.M.YYYY"]', text))
    capsys.readouterr()
    code, _, said = run([str(roster), str(tmp_path / "out"), "--to", "sds-v2.1", "--profile", str(profile)], capsys)
    assert code == 0, said
    assert rows(tmp_path / "out" / "academicSessions.csv")[1]["endDate"] == "2027-06-18"


def test_the_command_says_what_was_left_out(tmp_path: Path, capsys: Capture) -> None:
    files = {**V2, "users.csv": V2["users.csv"] + "0099,nowhere,=X,Y,x,,student,99\n0098,010,=X,Y,x2,,student,5\n"}
    arguments = [str(write(tmp_path / "in", files)), str(tmp_path / "out"), "--to", "sds-v2.1"]
    code, _, said = run(arguments, capsys)
    assert code == 1
    assert "Error: The roster has 1 error; nothing was written." in said
    code, said, _ = run([*arguments, "--leave-out-errors"], capsys)
    assert code == 0
    assert "Left out, because of errors or because they are not active: 1 person." in said
    assert "unknown-org (1), unknown-grade (1)" in said
    assert "1 text that a spreadsheet would run as a formula has a blank before it." in said


def test_the_command_says_what_else_is_missing_before_it_says_that_nothing_is(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    bare = {**V2, "users.csv": V2["users.csv"].replace("password", "secret", 1)}
    said = run([str(write(tmp_path / "bare", bare)), str(tmp_path / "nothing"), "--to", "sds-v2.1"], capsys)[1]
    assert "with-passwords" not in said
    assert "Nothing is lost: read back" in said
    plain = [str(write(tmp_path / "in", V2)), str(tmp_path / "out"), "--to", "sds-v2.1"]
    said = run(plain, capsys)[1]
    assert "Left out: passwords, which are written only with --with-passwords." in said
    assert "Nothing more is lost: read back" in said
    said = run([plain[0], str(tmp_path / "all"), *plain[2:], "--with-passwords"], capsys)[1]
    assert "with-passwords" not in said
    assert "Nothing is lost: read back" in said
    above = [str(write(tmp_path / "above", ABOVE)), str(tmp_path / "some"), *plain[2:], "--with-passwords"]
    said = run([*above, "--leave-out-errors"], capsys)[1]
    assert "Left out, because of errors or because they are not active: 1 organisation." in said
    assert "because they refer to them: orgs.parent_id (2), courses.org_id (1)." in said
    assert "Nothing more is lost: read back" in said
    files = {**V2_1, "demographics.csv": V2_1["demographics.csv"].replace("2016-02-03", "3.2.2016")}
    dated = [str(write(tmp_path / "dated", files)), str(tmp_path / "undated"), *plain[2:], "--with-passwords"]
    said = run(dated, capsys)[1]
    assert "date-format (1)" in said
    assert "Nothing more is lost: read back" in said


def test_the_command_tells_of_contacts_that_may_be_refused(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    roster = write(tmp_path / "in", {**V2_1, "users.csv": V2_1["users.csv"].replace("doc@example.org", "")})
    said = run([str(roster), str(tmp_path / "out"), "--to", "sds-v2.1"], capsys)[1]
    assert re.search("Contacts without .* whom School Data Sync refuses: 1[.]", said)
    said = run([str(roster), str(tmp_path / "again"), "--to", "sds-v2.1", "--json"], capsys)[1]
    assert list(json.loads(said)["may_be_refused"].values()) == [1]
    assert json.loads(said)["passwords_left_out"] is True


def test_the_command_keeps_passwords_only_when_told(tmp_path: Path, capsys: Capture) -> None:
    arguments = [str(write(tmp_path / "in", V2)), str(tmp_path / "out"), "--to", "sds-v2.1", "--with-passwords"]
    assert run(arguments, capsys)[0] == 0
    assert b"Pw-1" in (tmp_path / "out" / "users.csv").read_bytes()


def test_the_command_refuses_a_taken_name_before_it_reads(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "out").write_text("mine")
    code, _, said = run([str(tmp_path / "nowhere"), str(tmp_path / "out"), "--to", "sds-v1"], capsys)
    assert (code, "is there already" in said) == (1, True)
