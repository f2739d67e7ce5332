"""Every check has a roster that trips it, and what it holds leaves the tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from provision.formats import load_roster
from provision.profile import RosterSource, Schools, Sections
from provision.roster.checks import CHECKS
from provision.roster.options import RosterOptions
from provision.roster.summary import Finding, findings, summary
from provision.store import Store, in_memory

V2_1 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nD,District,district,\nA,Ash School,school,D\n",
    "users.csv": "sourcedId,username,givenName,familyName,email,phone\n"
    "s1,ada,Ada,Berg,,\ns2,bo,Bo,Cole,,\nt1,cy,Cy,Dahl,,\n",
    "roles.csv": "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate\n"
    "s1,A,student,Y,04,true,2026-08-24\ns2,A,student,Y,04,true,\nt1,A,teacher,Y,,,\n",
    "classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\nc1,A,Art,Y,K\nc2,A,Music,Y,K\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\n"
    "c1,s1,student\nc1,s2,student\nc2,s1,student\nc1,t1,teacher\n",
}
HUNDRED = [f"x{number}" for number in range(100)]
CROWD = {
    **V2_1,
    "users.csv": V2_1["users.csv"] + "".join(f"{id_},{id_},{id_},Dahl,,\n" for id_ in HUNDRED),
    "roles.csv": V2_1["roles.csv"] + "".join(f"{id_},A,teacher,,,,\n" for id_ in HUNDRED),
    "enrollments.csv": V2_1["enrollments.csv"] + "".join(f"c1,{id_},teacher\n" for id_ in HUNDRED),
}
V2_1_WHOLE = {
    **V2_1,
    "academicSessions.csv": "sourcedId,title,type,schoolYear,startDate,endDate\n"
    "Y,Year,schoolYear,2026,2026-08-24,2027-06-11\n",
    "courses.csv": "sourcedId,title,orgSourcedId,subject\nK,Arts,A,05\n",
    "demographics.csv": "userSourcedId,sex,birthDate\ns1,female,2016-02-03\n",
    "userFlags.csv": "userSourcedId,flag\n",
    "relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole\n",
}
V1 = {
    "School.csv": "SIS ID,Name,Principal SIS ID\n10,Ash School,\n20,Elm School,\n",
    "Student.csv": "SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Status\n"
    "1,10,ada,Ada,Berg,04,Active\n2,10,bo,Bo,Cole,04,\n",
    "Teacher.csv": "SIS ID,School SIS ID,Username,First Name,Last Name\n1,10,cy,Cy,Dahl\n",
    "Section.csv": "SIS ID,School SIS ID,Section Name,Term SIS ID,Term Name,Course SIS ID,Course Name,Course Subject,"
    "Status\nc1,10,Art,T,Autumn,K,Arts,05,Active\nc2,10,Music,T,Autumn,K,Arts,05,\n",
    "StudentEnrollment.csv": "Section SIS ID,SIS ID\nc1,1\nc1,2\nc2,1\n",
    "TeacherRoster.csv": "Section SIS ID,SIS ID\nc1,1\n",
}
V2 = {
    "orgs.csv": "sourcedId,name,type\nA,Ash School,school\nB,Birch School,school\n",
    "users.csv": "sourcedId,orgSourcedIds,username,role,grade,givenName,familyName\n"
    "s1,A,ada,student,04,Ada,Berg\nt1,A,cy,teacher,,Cy,Dahl\n",
    "classes.csv": "sourcedId,orgSourcedId,title\nc1,A,Art\n",
    "enrollments.csv": "classSourcedId,userSourcedId,role\nc1,s1,student\nc1,t1,teacher\n",
}
CLEVER = {
    "schools.csv": "School_id,School_name,School_number\n10,Ash School,1\n",
    "students.csv": "School_id,Student_id,First_name,Last_name,Contact_name,Contact_email,Contact_type,"
    "Contact_relationship\n10,1,Ada,Berg,Eva Berg,eva@x.org,Parent,Mother\n",
    "teachers.csv": "School_id,Teacher_id,First_name,Last_name,Teacher_email\n10,1,Cy,Dahl,cy@x.org\n",
    "staff.csv": "School_id,Staff_id,First_name,Last_name,Staff_email\n10,9,Di,Egg,di@x.org\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Teacher_2_id,Name\n10,7,1,,Art\n",
    "enrollments.csv": "School_id,Section_id,Student_id\n10,7,1\n",
}
ONEROSTER = {
    "manifest.csv": "propertyName,value\noneroster.version,1.2\nfile.users,bulk\n",
    "orgs.csv": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\nA,,,Ash School,school,,\n",
    "users.csv": "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,primaryOrgSourcedId\n"
    "s1,,,true,ada,Ada,Berg,A\nt1,,,true,cy,Cy,Dahl,A\n",
    "roles.csv": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,orgSourcedId,userProfileSourcedId\n"
    "r1,,,s1,primary,student,A,p1\nr2,,,t1,primary,teacher,A,\n",
    "userProfiles.csv": "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId\np1,,,s1,app,v\n",
    "classes.csv": "sourcedId,status,dateLastModified,title,classType,schoolSourcedId,termSourcedIds\n"
    "c1,,,Art,scheduled,A,T\n",
    "enrollments.csv": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,beginDate,"
    "endDate\ne1,,,c1,A,s1,student,2026-08-24,2026-12-19\ne2,,,c1,A,t1,teacher,,\n",
    "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,"
    "schoolYear\nY,,,Year,schoolYear,2026-08-24,2027-06-11,,2027\nT,,,Autumn,term,2026-08-24,2026-12-19,Y,2027\n",
}
CHANGES = {
    **{f"full/{name}": text for name, text in ONEROSTER.items()},
    "changes/manifest.csv": "propertyName,value\noneroster.version,1.2\nfile.users,delta\n",
    "changes/users.csv": ONEROSTER["users.csv"].splitlines()[0]
    + "\ns1,active,2026-08-30T10:00:00.000Z,true,ada,Ada,Cole,A\n",
}
TODAY = date(2026, 9, 1)
MATCH = RosterOptions(today=TODAY)
GROUPS = frozenset({"students", "staff"})
CREATE = RosterOptions(names_required=GROUPS, usernames_required=GROUPS, today=TODAY)
REPLACE = RosterOptions(replace_special_characters=True, today=TODAY)


@dataclass(frozen=True)
class Case:
    """A sound roster with one text replaced (or rows added), and the finding that this deserves."""

    rule: str
    severity: str
    file: str
    record: int | None
    column: str | None
    value: str | None
    old: str = ""
    new: str = ""
    base: dict[str, str] = field(default_factory=lambda: V2_1)
    options: RosterOptions = MATCH
    held: tuple[tuple[str, str, str | None], ...] = ()


PAIRS_OF_S1 = (("enrollment", "c1", "s1"), ("enrollment", "c2", "s1"), ("person", "s1", None))
PAIRS_OF_C1 = (("enrollment", "c1", "s1"), ("enrollment", "c1", "s2"), ("enrollment", "c1", "t1"))
CASES = [
    Case("header-case", "warning", "orgs.csv", 1, "NAME", None, ",name,", ",NAME,"),
    Case("unknown-column", "note", "users.csv", 1, "shoe size", None, "phone\n", "phone,shoe size\n"),
    Case("unknown-file", "note", "School.csv", None, None, None, "", "SIS ID,Name\n"),
    Case("file-not-read", "note", "lineItems.csv", None, None, None, "", "sourcedId\n", base=ONEROSTER),
    Case("older-header", "note", "classes.csv", 1, "termSourcedId", None, "termSourcedIds", "termSourcedId",
         base=ONEROSTER),
    Case("to-be-deleted", "note", "enrollments.csv", None, None, None, "e1,,", "e1,tobedeleted,", base=ONEROSTER),
    Case("manifest-differs", "warning", "manifest.csv", None, None, None, "bulk\n", "bulk\nfile.courses,bulk\n",
         base=ONEROSTER),
    Case("changes-applied", "note", "changes/users.csv", None, None, None, base=CHANGES),
    Case("file-passed-over", "note", "changes/users.csv", None, None, None,
         base={name: text.replace("e1,,,", "e1,,2026-08-31T10:00:00.000Z,") for name, text in CHANGES.items()}),
    Case("empty-file", "note", "userFlags.csv", None, None, None, base=V2_1_WHOLE),
    Case("required-value", "error", "users.csv", 2, "username", None, "s1,ada", "s1,", held=PAIRS_OF_S1),
    Case("required-value", "error", "enrollments.csv", 2, "userSourcedId", None, "c1,s1", "c1,",
         held=(*PAIRS_OF_C1[1:], ("section", "c1", None))),
    Case("required-value", "error", "enrollments.csv", 4, "classSourcedId", None, "c2,s1", ",s1",
         held=(PAIRS_OF_S1[0], PAIRS_OF_S1[2])),
    Case("required-value", "error", "enrollments.csv", 4, "role", None, "c2,s1,student", "c2,s1,",
         held=(("enrollment", "c2", "s1"),)),
    Case("required-value", "error", "users.csv", 2, "orgSourcedIds", None, "s1,A", 's1,", ,"', base=V2,
         held=(("person", "s1", None), ("enrollment", "c1", "s1"))),
    Case("required-value", "error", "relationships.csv", 2, "relationshipUserSourcedId", None, "relationshipRole\n",
         "relationshipRole\ns1,,parent\n", held=(("relationship", "s1", None),), base=V2_1_WHOLE),
    Case("required-value", "error", "relationships.csv", 2, "userSourcedId", None, "relationshipRole\n",
         "relationshipRole\n,s1,parent\n", held=(("unknown", "relationships", None),), base=V2_1_WHOLE),
    Case("extra-cells", "error", "users.csv", 2, None, None, "Ada,Berg,,", "Ada,Berg, Jr,,,7", held=PAIRS_OF_S1),
    Case("short-row", "note", "users.csv", 2, None, None, "Ada,Berg,,", "Ada,Berg"),
    Case("line-break", "warning", "users.csv", 2, None, None, "Ada,Berg", '"Ada\nMay",Berg'),
    Case("repeated-differs", "warning", "Section.csv", 3, "Term SIS ID", "T", "Music,T,Autumn",
         "Music,T,Fall", base=V1),
    Case("unknown-code", "warning", "demographics.csv", 2, "sex", "f", "female", "f", base=V2_1_WHOLE),
    Case("unknown-code", "error", "relationships.csv", 2, "relationshipRole", "pal", "relationshipRole\n",
         "relationshipRole\ns1,s2,pal\n", held=(("relationship", "s1", "s2"),), base=V2_1_WHOLE),
    Case("unknown-code", "error", "roles.csv", 2, "role", "pupil", "A,student,Y,04,true,2026",
         "A,pupil,Y,04,true,2026",
         held=PAIRS_OF_S1),
    Case("unknown-grade", "warning", "roles.csv", 2, "grade", "99", "04,true,2", "99,true,2"),
    Case("grade-read-as", "note", "roles.csv", 2, "grade", "4", "04,true,2", "4,true,2"),
    Case("date-format", "warning", "demographics.csv", 2, "birthDate", "2/3/2016", "2016-02-03", "2/3/2016",
         base=V2_1_WHOLE),
    Case("date-format", "warning", "demographics.csv", 2, "birthDate", "2016112", "2016-02-03", "2016112",
         base=V2_1_WHOLE),
    Case("date-format", "error", "academicSessions.csv", 2, "startDate", "24.8.", "2026-08-24,2027",
         "24.8.,2027", base=V2_1_WHOLE),
    Case("email-shape", "warning", "users.csv", 2, "email", "ada(at)home", "Berg,,", "Berg,ada(at)home,"),
    Case("phone-shape", "warning", "users.csv", 2, "phone", "555 0100 ext 3", "Berg,,", "Berg,,555 0100 ext 3"),
    Case("boolean-value", "warning", "roles.csv", 2, "isPrimary", "ja", "true,2", "ja,2"),
    Case("year-value", "error", "academicSessions.csv", 2, "schoolYear", "26/27", "2026,2026", "26/27,2026",
         base=V2_1_WHOLE),
    Case("school-year-read-as", "note", "academicSessions.csv", 2, "schoolYear", "2026-27", "2027-06-11,,2027",
         "2027-06-11,,2026-27", base=ONEROSTER),
    Case("read-as-other", "note", "students.csv", 2, "Contact_relationship", "Neighbour", "Mother", "Neighbour",
         base=CLEVER),
    Case("subject-free-text", "note", "Section.csv", 2, "Course Subject", "Painting", "Arts,05,Active",
         "Arts,Painting,Active", base=V1),
    Case("duplicate-id", "error", "users.csv", 3, "sourcedId", "s1", "s2,bo", "s1,bo", held=PAIRS_OF_S1),
    Case("duplicate-id", "error", "Student.csv", 3, "SIS ID", "student/1", "2,10,bo,Bo,Cole", "1,20,bo,Bo,Cole",
         base=V1, held=(("enrollment", "c1", "student/1"), ("person", "student/1", None))),
    Case("duplicate-id", "error", "classes.csv", 3, "sourcedId", "c1", "c2,A", "c1,A",
         held=(*PAIRS_OF_C1, ("section", "c1", None))),
    Case("duplicate-id", "error", "orgs.csv", 3, "sourcedId", "A", "D,District", "A,District",
         held=(("org", "A", None), ("section", "c1", None), ("person", "t1", None), *PAIRS_OF_S1)),
    Case("repeated-record", "warning", "enrollments.csv", 3, "userSourcedId", "s1", "c1,s2", "c1,s1"),
    Case("repeated-record", "warning", "roles.csv", 3, "userSourcedId", "s1", "s2,A", "s1,A"),
    Case("repeated-record", "warning", "courses.csv", 3, "sourcedId", "K", "A,05\n", "A,05\nK,Crafts,,\n",
         base=V2_1_WHOLE),
    Case("repeated-record", "warning", "userFlags.csv", 3, "flag", "ELL", "flag\n", "flag\ns1,ELL\ns1,ell\n",
         base=V2_1_WHOLE),
    Case("repeated-record", "warning", "relationships.csv", 3, "relationshipUserSourcedId", "s2", "Role\n",
         "Role\ns1,s2,parent\ns1,s2,Parent\n", base=V2_1_WHOLE),
    Case("repeated-record", "warning", "userProfiles.csv", 3, "sourcedId", "p1", "app,v\n", "app,v\np1,,,s1,app,w\n",
         base=ONEROSTER),
    Case("dangling-enrollment", "error", "sections.csv", 2, "Teacher_id or Teacher_2_id", "teacher/3", "10,7,1,,",
         "10,7,1,3,", base=CLEVER, held=(("enrollment", "7", "teacher/3"),)),
    Case("staff-is-teacher", "note", "staff.csv", 2, "Staff_email", "cy@x.org", "di@x.org", "cy@x.org", base=CLEVER),
    Case("section-alias-shared", "error", "classes.csv", 3, "sourcedId", "C1", "c2,A", "C1,A",
         held=(*PAIRS_OF_C1, ("section", "c1", None), ("section", "C1", None))),
    Case("section-alias-shared", "error", "classes.csv", 4, "sourcedId", "c#9", "Music,Y,K\n",
         "Music,Y,K\nc#9,A,Dance,,\nC 9,A,Chess,,\n", options=REPLACE,
         held=(("section", "c#9", None), ("section", "C 9", None))),
    Case("id-case-collision", "warning", "users.csv", 5, "sourcedId", "S1", "Cy,Dahl,,\n",
         "Cy,Dahl,,\nS1,eve,Eve,Fox,,\n"),
    Case("username-shared", "warning", "users.csv", 3, "username", "ADA", "s2,bo", "s2,ADA"),
    Case("username-shared", "warning", "Teacher.csv", 2, "Username", "ada", "1,10,cy", "1,10,ada", base=V1),
    Case("unknown-org", "error", "classes.csv", 2, "orgSourcedId", "Q", "c1,A", "c1,Q",
         held=(*PAIRS_OF_C1, ("section", "c1", None))),
    Case("unknown-org", "error", "roles.csv", 2, "orgSourcedId", "Q", "s1,A", "s1,Q", held=PAIRS_OF_S1),
    Case("unknown-person", "error", "roles.csv", 3, "userSourcedId", "s9", "s2,A", "s9,A",
         held=(("person", "s9", None),)),
    Case("unknown-person", "error", "relationships.csv", 2, "userSourcedId", "s9", "relationshipRole\n",
         "relationshipRole\ns9,s1,parent\n", held=(("person", "s9", None),), base=V2_1_WHOLE),
    Case("unknown-person", "error", "userFlags.csv", 2, "userSourcedId", "s9", "flag\n", "flag\ns9,ELL\n",
         held=(("person", "s9", None),), base=V2_1_WHOLE),
    Case("unknown-person", "error", "userProfiles.csv", 3, "userSourcedId", "s9", "app,v\n",
         "app,v\np9,,,s9,app,v\n", held=(("person", "s9", None),), base=ONEROSTER),
    Case("unknown-person", "error", "demographics.csv", 2, "userSourcedId", "s9", "s1,female", "s9,female",
         held=(("person", "s9", None),), base=V2_1_WHOLE),
    Case("unknown-person", "error", "relationships.csv", 2, "relationshipUserSourcedId", "s9", "relationshipRole\n",
         "relationshipRole\ns1,s9,parent\n", held=(("person", "s9", None),), base=V2_1_WHOLE),
    Case("dangling-enrollment", "error", "enrollments.csv", 2, "userSourcedId", "s9", "c1,s1", "c1,s9",
         held=(("enrollment", "c1", "s9"),)),
    Case("dangling-enrollment", "error", "enrollments.csv", 2, "classSourcedId", "c9", "c1,s1", "c9,s1",
         held=(("enrollment", "c9", "s1"),)),
    Case("unknown-reference", "warning", "classes.csv", 2, "courseSourcedId", "Z", "Art,Y,K", "Art,Y,Z",
         base=V2_1_WHOLE),
    Case("unknown-reference", "warning", "classes.csv", 2, "sessionSourcedIds", "Z",
         "Art,Y,K", 'Art,"Y, Z",K', base=V2_1_WHOLE),
    Case("unknown-reference", "warning", "roles.csv", 2, "sessionSourcedId", "Z", "Y,04,true,2",
         "Z,04,true,2", base=V2_1_WHOLE),
    Case("unknown-reference", "warning", "orgs.csv", 3, "parentSourcedId", "E", "school,D", "school,E"),
    Case("unknown-reference", "warning", "courses.csv", 2, "orgSourcedId", "E", "Arts,A", "Arts,E", base=V2_1_WHOLE),
    Case("unknown-reference", "warning", "academicSessions.csv", 3, "parentSourcedId", "Z", ",Y,2027", ",Z,2027",
         base=ONEROSTER),
    Case("unknown-reference", "warning", "roles.csv", 2, "userProfileSourcedId", "p9", "A,p1", "A,p9", base=ONEROSTER),
    Case("session-cycle", "warning", "academicSessions.csv", 2, "parentSourcedId", "T", "2027-06-11,,",
         "2027-06-11,T,", base=ONEROSTER),
    Case("org-cycle", "error", "orgs.csv", 3, "parentSourcedId", "A", "school,D", "school,A",
         held=(("org", "A", None), ("section", "c1", None))),
    Case("org-cycle", "error", "orgs.csv", 2, "parentSourcedId", "A", "district,\n", "district,A\n",
         held=(("org", "A", None), ("org", "D", None))),
    Case("unknown-principal", "note", "School.csv", 2, "Principal SIS ID", "77", "10,Ash School,", "10,Ash School,77",
         base=V1),
    Case("unknown-principal", "note", "School.csv", 2, "Principal SIS ID", "2", "10,Ash School,", "10,Ash School,2",
         base=V1),
    Case("person-without-role", "note", "users.csv", 5, "sourcedId", "g1", "Cy,Dahl,,\n",
         "Cy,Dahl,,\ng1,gus,Gus,Egg,,\n"),
    Case("name-missing", "error", "users.csv", 2, "familyName", None, "Ada,Berg", "Ada,", options=CREATE,
         held=PAIRS_OF_S1),
    Case("username-characters", "error", "users.csv", 2, "username", "a da", "s1,ada", "s1,a da", options=CREATE,
         held=PAIRS_OF_S1),
    Case("username-characters", "warning", "users.csv", 2, "username", "a da", "s1,ada", "s1,a da"),
    Case("username-characters", "warning", "users.csv", 2, "username", "ada.", "s1,ada", "s1,ada."),
    Case("username-characters", "warning", "users.csv", 2, "username", "a" * 65, "s1,ada", f"s1,{'a' * 65}"),
    Case("garbled-text", "warning", "users.csv", 2, "givenName", "JosÃ©", "Ada,", "JosÃ©,"),
    Case("garbled-text", "warning", "users.csv", 2, "familyName", "Oâ€™Neil", "Berg,", "Oâ€™Neil,"),
    Case("garbled-text", "warning", "users.csv", 2, "familyName", "MÃ¼ller", "Berg,", "MÃ¼ller,"),
    Case("garbled-text", "warning", "users.csv", 2, "givenName", "�va", "Ada,", "�va,"),
    Case("garbled-text", "warning", "users.csv", 2, "familyName", "B?rg", "Berg,", "B?rg,"),
    Case("garbled-text", "warning", "classes.csv", 2, "title", "FranÃ§ais", "Art", "FranÃ§ais"),
    Case("garbled-text", "warning", "orgs.csv", 3, "name", "Å¡kola", "Ash School", "Å¡kola"),
    Case("invisible-characters", "warning", "users.csv", 2, "givenName", "A\u200bda", "Ada,", "A\u200bda,"),
    Case("invisible-characters", "warning", "users.csv", 2, "familyName", "Be\x0brg", "Berg,", "Be\x0brg,"),
    Case("invisible-characters", "warning", "classes.csv", 2, "title", "Art\x1f4", "Art,", "Art\x1f4,"),
    Case("placeholder-value", "note", "users.csv", 2, "familyName", "N/A", "Berg,", "N/A,"),
    Case("placeholder-value", "note", "classes.csv", 2, "title", "-", "Art", "-"),
    Case("value-too-long", "note", "users.csv", 2, "givenName", "A" * 64, "Ada,", f"{'A' * 65},"),
    Case("value-too-long", "note", "classes.csv", 2, "title", "A" * 256, "Art", "A" * 300),
    Case("dates-reversed", "warning", "academicSessions.csv", 2, "endDate", "2027-06-11", "2026-08-24,2027",
         "2028-08-24,2027", base=V2_1_WHOLE),
    Case("dates-reversed", "warning", "roles.csv", 2, "roleEndDate", "2026-08-23", "2026-08-24\n",
         "2026-08-24,2026-08-23\n", base={**V2_1, "roles.csv": V2_1["roles.csv"].replace(
             "StartDate\n", "StartDate,roleEndDate\n")}),
    Case("dates-reversed", "warning", "enrollments.csv", 2, "endDate", "2026-08-01", "2026-12-19", "2026-08-01",
         base=ONEROSTER),
    Case("birth-date-ahead", "warning", "demographics.csv", 2, "birthDate", "2026-09-02", "2016-02-03", "2026-09-02",
         base=V2_1_WHOLE),
    Case("session-ended", "note", "academicSessions.csv", 2, "endDate", "2026-08-31", "2027-06-11", "2026-08-31",
         base=V2_1_WHOLE),
    Case("id-characters", "note", "users.csv", 4, "sourcedId", "t 1", "t1,cy", "t 1,cy",
         base={name: text.replace("t1,A", "t 1,A").replace("c1,t1", "c1,t 1") for name, text in V2_1.items()}),
    Case("id-characters", "note", "orgs.csv", 2, "sourcedId", "D\t1", "D,District", "D\t1,District",
         base={**V2_1, "orgs.csv": V2_1["orgs.csv"].replace(",D\n", ",D\t1\n")}),
    Case("id-characters", "note", "orgs.csv", 2, "sourcedId", "Dé", "D,District", "Dé,District",
         base={**V2_1, "orgs.csv": V2_1["orgs.csv"].replace(",D\n", ",Dé\n")}),
    Case("section-title", "error", "sections.csv", 2, "Name", None, ",,Art", ",,",
         base={**CLEVER, "teachers.csv": "School_id,Teacher_id,First_name,Last_name\n10,1,Cy,\n"},
         held=(("section", "7", None), ("enrollment", "7", "student/1"))),
    Case("section-id-characters", "error", "classes.csv", 4, "sourcedId", "c:9", "Music,Y,K\n",
         "Music,Y,K\nc:9,A,Dance,,\n",
         held=(("section", "c:9", None),)),
    Case("section-id-characters", "note", "classes.csv", 4, "sourcedId", "c:9", "Music,Y,K\n",
         "Music,Y,K\nc:9,A,Dance,,\n", options=REPLACE),
    Case("section-id-length", "error", "classes.csv", 3, "sourcedId", "c" * 57, "c2,A", f"{'c' * 57},A",
         held=(("section", "c" * 57, None),)),
    Case("inactive-record", "note", "Student.csv", 2, "Status", "Inactive", "04,Active", "04,Inactive", base=V1,
         held=(("person", "student/1", None), ("enrollment", "c2", "student/1"))),
    Case("inactive-record", "note", "Section.csv", 2, "Status", "Expired", "05,Active", "05,Expired", base=V1,
         held=(("section", "c1", None), ("enrollment", "c1", "teacher/1"))),
    Case("person-twice", "note", "users.csv", 3, "sourcedId", "s2", "s2,bo,Bo,Cole", "s2,bo,ADA,Berg",
         base={**V2_1_WHOLE, "demographics.csv": "userSourcedId,birthDate\ns1,2016-02-03\ns2,2016-02-03\n"}),
    Case("person-twice", "note", "users.csv", 2, "email", "a@x.org", "Berg,,\ns2,bo,Bo,Cole,,",
         "Berg,a@x.org,\ns2,bo,Bo,Cole,A@X.org,"),
    Case("person-twice", "note", "Student.csv", 2, "Student Number", "7", "Grade,", "Student Number,",
         base={**V1, "Student.csv": V1["Student.csv"].replace("04,", "7,")}),
    Case("username-domains", "note", "users.csv", 3, "username", None, "s2,bo", "s2,bo@x.org"),
    Case("several-primary-roles", "note", "roles.csv", 2, "userSourcedId", "s1", "true,2026-08-24\n",
         "true,2026-08-24\ns1,D,student,Y,04,true,\n"),
    Case("enrollment-role-differs", "note", "enrollments.csv", 3, "role", "aide", "c1,s2,student", "c1,s2,aide"),
    Case("enrollment-role-differs", "note", "enrollments.csv", 5, "role", "student", "c1,t1,teacher",
         "c1,t1,student"),
    Case("teacher-elsewhere", "note", "roles.csv", 4, "userSourcedId", "t1", "t1,A", "t1,B",
         base={**V2_1, "orgs.csv": V2_1["orgs.csv"] + "B,Birch School,school,D\n"}),
    Case("section-without-teacher", "note", "classes.csv", 2, "sourcedId", "c1",
         base={**V2_1, "enrollments.csv": V2_1["enrollments.csv"].replace("t1,teacher", "t1,aide")}),
    Case("section-without-teacher", "note", "classes.csv", 3, "sourcedId", "c2"),
    Case("section-without-students", "note", "classes.csv", 4, "sourcedId", "c3", "Music,Y,K\n",
         "Music,Y,K\nc3,A,Dance,,\n"),
    Case("several-sessions", "note", "classes.csv", 2, "termSourcedIds", "T, Y", "A,T", 'A,"T,Y"', base=ONEROSTER),
    Case("contact-enrolled", "note", "enrollments.csv", 4, "role", "parent", "c1,A,t1,teacher,,\n",
         "c1,A,t1,teacher,,\ne3,,,c1,A,g1,parent,,\n",
         base={**ONEROSTER, "users.csv": ONEROSTER["users.csv"] + "g1,,,true,gus,Gus,Berg,\n",
               "roles.csv": ONEROSTER["roles.csv"] + "r3,,,g1,primary,parent,A,\n"}),
    Case("required-value", "error", "orgs.csv", 3, "name", "\u200e", "Ash School", "\u200e",
         held=(("org", "A", None), ("section", "c1", None), ("person", "s1", None))),
    Case("section-owners", "warning", "classes.csv", 2, "sourcedId", "c1", base=CROWD),
    Case("no-school", "warning", "orgs.csv", None, "type", "district", "A,Ash School,school,D", "A,Ash,district,D"),
    Case("contact-incomplete", "note", "users.csv", 3, "sourcedId", "s2",
         base={**V2_1_WHOLE, "relationships.csv": V2_1_WHOLE["relationships.csv"] + "s1,s2,parent\n"}),
    Case("many-errors", "note", "enrollments.csv", None, None, "15001", "c1,t1,teacher\n",
         "c1,t1,teacher\n" + "".join(f"c1,x{number},student\n" for number in range(15_001)),
         held=(("enrollment", "c1", "x0"),)),
]  # fmt: skip

FINE = [
    ("garbled-text", "users.csv", "Ada,Berg", "JOÃO ÂNGELO,Ñandú-Åberg ÎLE"),
    ("garbled-text", "users.csv", "Ada,Berg", "Šárka,Ďurišová\u2013Žižka"),
    ("garbled-text", "classes.csv", "Art", "What is art? MANHÃ \u2013 B"),
    ("invisible-characters", "users.csv", "Ada", "می‌خواهم"),  # a joiner that the script needs
    ("placeholder-value", "users.csv", "Ada,Berg", "Nona,Na"),
    ("value-too-long", "users.csv", "Ada,Berg", f"{'Å' * 64},{'B' * 64}"),
    ("value-too-long", "classes.csv", "Art", "A" * 256),
    ("username-characters", "users.csv", "s1,ada", f"s1,{'a' * 64}@x.org"),
    ("username-characters", "users.csv", "s1,ada", "s1,o'neil_#~!^.b-1"),
    ("username-domains", "users.csv", "s1,ada,Ada,Berg,,\ns2,bo", "s1,,Ada,Berg,,\ns2,bo"),
    ("email-shape", "users.csv", "Berg,,", "Berg,O'Neil+{x}/y@sub.x-y.org,"),
    ("phone-shape", "users.csv", "Berg,,", "Berg,,+1 (202) 555-01.00"),
    ("boolean-value", "roles.csv", "04,true,2", "04,FALSE,2"),
    ("date-format", "demographics.csv", "2016-02-03", "2016-02-03T00:00:00.000Z"),
    ("date-format", "demographics.csv", "2016-02-03", "20160203"),
    ("birth-date-ahead", "demographics.csv", "2016-02-03", "2026-09-01"),
    ("dates-reversed", "academicSessions.csv", "2026-08-24,2027-06-11", "2027-06-11,2027-06-11"),
    ("session-ended", "academicSessions.csv", "2027-06-11", "2026-09-01"),
    ("session-ended", "academicSessions.csv", "\n", "\nOLD,Old,term,2020,2019-08-24,2020-06-11\n"),
    ("section-alias-shared", "classes.csv", "c2,A", "c-1,A"),
    ("section-id-characters", "classes.csv", "c2,A", "c!$'+-=^_`2,A"),
    ("section-id-length", "classes.csv", "c2,A", f"{'c' * 56},A"),
    ("id-case-collision", "users.csv", "s2,bo", "s1,bo"),
    ("person-twice", "users.csv", "s2,bo,Bo,Cole", "s2,bo,Bo,Berg"),
    ("several-primary-roles", "roles.csv", "true,2026-08-24\n", "true,2026-08-24\ns1,D,student,Y,04,false,\n"),
    ("enrollment-role-differs", "roles.csv", "true,2026-08-24\n", "true,2026-08-24\ns1,D,aide,Y,,,\n"),
    ("teacher-elsewhere", "roles.csv", "t1,A", "t1,D"),  # the district above the school
    ("no-school", "orgs.csv", "A,Ash School,school", "A,Ash College,College"),
    ("several-sessions", "classes.csv", "Art,Y", 'Art,"Y,"'),
    ("unknown-reference", "academicSessions.csv", "", ""),
    ("org-cycle", "orgs.csv", "A,Ash School,school,D\n", "A,Ash,school,D\nE,Elm,school,A\nF,Fir,school,E\n"),
    ("contact-incomplete", "users.csv", "", ""),
    ("many-errors", "enrollments.csv", "c1,s1", "c1,x1"),
]
"""What comes close to a finding and is none: rule, file, and one text replaced in the whole V2.1 roster."""


_STORE = in_memory()  # loading empties the tables first, so one store serves every test
_STORE.run("SET threads = 1")  # quicker where tables are small


def load(folder: Path, files: dict[str, str], options: RosterOptions = MATCH) -> Store:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(text.encode())
    load_roster(_STORE, folder, options)
    return _STORE


def held(store: Store) -> set[tuple[str, str, str | None]]:
    return set(store.rows("SELECT kind, id, other_id FROM roster.held"))


@pytest.mark.parametrize("base", [V1, V2, V2_1_WHOLE, CLEVER, ONEROSTER], ids=["v1", "v2", "v2.1", "clever", "1.2"])
def test_a_sound_roster_has_no_finding(tmp_path: Path, base: dict[str, str]) -> None:
    store = load(tmp_path, base, CREATE)
    # nobody teaches c2, and no flags are given
    assert {each.rule for each in findings(store)} <= {"section-without-teacher", "empty-file"}
    assert summary(store).entities["enrollments"] > 1
    assert held(store) == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.severity}-{case.file}")
def test_check(tmp_path: Path, case: Case) -> None:
    text = case.base.get(case.file, "")
    assert case.old in text
    store = load(tmp_path, {**case.base, case.file: text.replace(case.old, case.new, 1)}, case.options)
    seen = [(each.rule, each.severity, each.file, each.record, each.field, each.value) for each in findings(store)]
    assert (case.rule, case.severity, case.file, case.record, case.column, case.value) in seen
    assert set(case.held) <= held(store)
    if not case.held:
        assert held(store) == set()
    for kind, table in (("person", "persons"), ("section", "sections"), ("org", "orgs")):
        assert not store.rows(
            f"SELECT id FROM roster.{table} WHERE id IN (SELECT id FROM roster.held WHERE kind = ?)", [kind]
        )
    assert not store.rows(
        "SELECT * FROM roster.enrollments e JOIN roster.held h ON kind = 'enrollment' "
        "AND section_id = id AND person_id = other_id"
    )


@pytest.mark.parametrize(("rule", "file", "old", "new"), FINE, ids=[each[0] for each in FINE])
def test_what_comes_close_is_no_finding(tmp_path: Path, rule: str, file: str, old: str, new: str) -> None:
    text = V2_1_WHOLE[file]
    assert old in text
    store = load(tmp_path, {**V2_1_WHOLE, file: text.replace(old, new, 1)}, CREATE)
    assert rule not in {each.rule for each in findings(store)}


def test_of_a_person_in_several_records_every_value_is_kept(tmp_path: Path) -> None:
    """What the first record leaves blank the next one says; what they say otherwise is told."""
    users = "s1,A,ada,student,04,,Berg\ns1,B,ada,student,05,Ada,Berg\nt1,A,cy,teacher,,Cy,Dahl\n"
    header = V2["users.csv"].splitlines(keepends=True)[0]
    store = load(tmp_path, {**V2, "users.csv": header + users})
    assert store.rows("SELECT given_name, family_name, file, record FROM roster.persons WHERE id = 's1'") == [
        ("Ada", "Berg", "users.csv", 2)
    ]
    assert "repeated-differs" not in {each.rule for each in findings(store)}


def test_a_person_in_several_records_that_differ_is_told(tmp_path: Path) -> None:
    teachers = "SIS ID,School SIS ID,Username,First Name,Last Name,Title,Password\n"
    rows = "1,10,cy,Cy,Dahl,Head,Old-Secret-1\n1,20,cy,Cy,Dahl,Teacher,New-Secret-1\n"
    store = load(tmp_path, {**V1, "Teacher.csv": teachers + rows}, replace(MATCH, keep_passwords=True))
    assert store.rows("SELECT title, password FROM roster.persons WHERE id = 'teacher/1'") == [("Head", "Old-Secret-1")]
    told = {(each.file, each.record, each.field, each.value) for each in findings(store)
            if each.rule == "repeated-differs"}  # fmt: skip
    assert told == {("Teacher.csv", 3, column, "teacher/1") for column in ("Title", "Password")}
    assert "Secret" not in str(findings(store))


def test_of_whom_no_record_counts_none_is_the_first(tmp_path: Path) -> None:
    students = V1["Student.csv"] + "1,10,ada,Ada,Berg,05,Active\n"
    store = load(tmp_path, {**V1, "Student.csv": students})
    assert {each.rule for each in findings(store) if each.file == "Student.csv"} == {"duplicate-id"}


def test_a_contact_with_a_role_in_the_school_stays_in_the_class(tmp_path: Path) -> None:
    enrollments = ONEROSTER["enrollments.csv"].replace("A,t1,teacher", "A,t1,guardian")
    store = load(tmp_path, {**ONEROSTER, "enrollments.csv": enrollments})
    assert ("guardian",) in store.rows("SELECT role FROM roster.enrollments WHERE person_id = 't1'")
    assert "contact-enrolled" not in {each.rule for each in findings(store)}


def test_a_hundred_owners_are_not_too_many(tmp_path: Path) -> None:
    roster = {**CROWD, "enrollments.csv": CROWD["enrollments.csv"].replace("c1,t1,teacher", "c1,x1,teacher")}
    assert "section-owners" not in {each.rule for each in findings(load(tmp_path, roster))}


def test_every_check_has_a_case() -> None:
    assert {case.rule for case in CASES} == {check.id for check in CHECKS}
    assert len({check.id for check in CHECKS}) == len(CHECKS)


def test_ids_are_text(tmp_path: Path) -> None:
    files = {name: text.replace("s1", "0013").replace("c1", "007") for name, text in V2_1.items()}
    store = load(tmp_path, {**files, "users.csv": files["users.csv"] + "13,eve,Eve,Fox,,\n"})
    assert store.rows("SELECT section_id, person_id FROM roster.enrollments ORDER BY record LIMIT 1") == [
        ("007", "0013")
    ]
    assert store.rows("SELECT id FROM roster.persons ORDER BY id LIMIT 2") == [("0013",), ("13",)]
    assert not [each for each in findings(store) if each.severity == "error"]


@pytest.mark.parametrize("orgs", ["A,B", "B, A", " A ,,B,A"])
def test_several_organisations_in_one_cell(tmp_path: Path, orgs: str) -> None:
    store = load(tmp_path, {**V2, "users.csv": V2["users.csv"].replace("s1,A", f's1,"{orgs}"')})
    assert store.rows("SELECT org_id FROM roster.roles WHERE person_id = 's1' ORDER BY 1") == [("A",), ("B",)]
    assert [each.rule for each in findings(store)] == []


def test_one_record_may_say_the_same_twice(tmp_path: Path) -> None:
    store = load(tmp_path, {**CLEVER, "sections.csv": CLEVER["sections.csv"].replace("7,1,,", "7,1,1,")})
    assert store.rows("SELECT person_id FROM roster.enrollments WHERE role = 'teacher'") == [("teacher/1",)]


def test_a_long_chain_of_organisations_is_no_circle_and_a_long_circle_is_one(tmp_path: Path) -> None:
    chain = [f"o{number},Org,district,o{number + 1}" for number in range(300)]
    for last, circle in (("", 0), ("o100", 201)):
        orgs = "\n".join((*V2_1["orgs.csv"].splitlines(), *chain, f"o300,Org,district,{last}", ""))
        store = load(tmp_path, {**V2_1, "orgs.csv": orgs})
        assert sum(each.rule == "org-cycle" for each in findings(store)) == circle
        held = store.value("SELECT count(*) FROM roster.held WHERE kind = 'org'")
        assert held == (301 if circle else 0)  # those beneath it too


@pytest.mark.timeout(60)
def test_an_organisation_above_itself_that_stands_there_twice_is_told_at_once(tmp_path: Path) -> None:
    orgs = V2_1["orgs.csv"].replace("district,\n", "district,D\n")
    repeated = next(line for line in orgs.splitlines() if line.endswith("district,D"))
    store = load(tmp_path, {**V2_1, "orgs.csv": f"{orgs}{repeated}\n"})
    assert {"duplicate-id", "org-cycle"} <= {each.rule for each in findings(store)}


def test_without_a_profile_the_defaults_of_a_profile_hold() -> None:
    assert RosterOptions().school_types == Schools().types
    assert RosterOptions().owner_roles == Sections().owner_roles
    assert RosterOptions().date_formats == RosterSource().date_formats


def test_a_person_at_two_schools_is_one_person_with_two_roles(tmp_path: Path) -> None:
    students = (
        "SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Birthdate\n"
        "1,10,ada,Ada,Berg,04,2016-02-03\n2,10,bo,Bo,Cole,04,\n1,20,ADA,Ada,Berg,05,2016-02-03\n"
    )
    store = load(tmp_path, {**V1, "Student.csv": students})
    assert store.rows("SELECT id, username, record FROM roster.persons WHERE source_id = '1' ORDER BY id") == [
        ("student/1", "ada", 2),
        ("teacher/1", "cy", 2),
    ]
    assert store.rows("SELECT org_id, grade FROM roster.roles WHERE person_id = 'student/1' ORDER BY 1") == [
        ("10", "04"),
        ("20", "05"),
    ]
    assert store.value("SELECT count(*) FROM roster.demographics") == 1
    assert not [each for each in findings(store) if each.severity != "note"]


def test_findings_come_gravest_first_and_can_be_limited(tmp_path: Path) -> None:
    users = V2_1["users.csv"].replace("Berg,,", "Berg,x,y").replace("s2,bo", "s2,")
    store = load(tmp_path, {**V2_1, "users.csv": users})
    seen = list(findings(store))
    rank = {"error": 0, "warning": 1, "note": 2}
    keys = [(rank[each.severity], each.file, each.record or 0, each.rule) for each in seen]
    assert keys == sorted(keys)
    assert list(findings(store, limit=2)) == seen[:2]
    assert seen[0] == Finding(
        "required-value",
        "error",
        "users.csv",
        3,
        "username",
        None,
        "The required value is missing.",
        seen[0].mend,
    )


def test_summary_counts_what_was_read_found_and_held(tmp_path: Path) -> None:
    store = load(tmp_path, {**V2_1, "users.csv": V2_1["users.csv"].replace("s1,ada", "s1,")})
    counted = summary(store)
    assert counted.entities["persons"] == 2
    assert counted.files["users.csv"] == 3
    assert counted.held == {"enrollment": 2, "person": 1}
    assert counted.count("error") == 1
    assert [(each.rule, each.count) for each in counted.rules if each.severity == "error"] == [("required-value", 1)]
