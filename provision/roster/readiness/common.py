"""Needs that several products have. Each says for itself how much it matters, what to do and where that is written."""

from __future__ import annotations

from provision.roster.addresses import is_sign_in_name
from provision.roster.readiness import judged
from provision.roster.readiness.need import Need, Severity
from provision.store.sql import literals


def readable(id_: str, formats: tuple[str, ...], *, asks: str, source: str) -> Need:
    """The roster is in one of the formats that the product reads."""
    return Need(
        id_,
        "must",
        things="formats",
        asks=asks,
        of=judged.FORMAT,
        passes=f"id IN {literals(formats)}",
        fault="The roster is in the format {id}.",
        mend="Write it in another format: provision convert, --to sds-v2.1. What is judged here is this roster.",
        source=source,
    )


def named(id_: str, severity: Severity, *, mend: str, source: str) -> Need:
    """Everybody has a first and a last name."""
    return Need(
        id_,
        severity,
        things="people",
        asks="Everybody has a first and a last name.",
        of=judged.PEOPLE,
        passes="given_name IS NOT NULL AND family_name IS NOT NULL",
        fault="A first or last name is missing.",
        mend=mend,
        source=source,
    )


def username(id_: str, severity: Severity, *, asks: str, mend: str, source: str, subject: bool = False) -> Need:
    """Everybody has a user name that a sign-in name can be made of."""
    return Need(
        id_,
        severity,
        things="people",
        asks=asks,
        of=judged.PEOPLE,
        passes=is_sign_in_name("username"),
        fault="The user name is: {username}",
        mend=mend,
        source=source,
        subject=subject,
    )


def grade(id_: str, severity: Severity, *, asks: str, mend: str, source: str) -> Need:
    """Every student has a grade."""
    return Need(
        id_,
        severity,
        things="students",
        asks=asks,
        of=judged.STUDENTS,
        passes="grade IS NOT NULL",
        fault="This student has no grade.",
        mend=mend,
        source=source,
    )


def grade_form(id_: str, severity: Severity, *, mend: str, source: str) -> Need:
    """Grades are written as codes."""
    return Need(
        id_,
        severity,
        things="ways of writing a grade",
        asks="Grades are written as in the list: two digits, KG, PS1 …",
        of=judged.WRITTEN_GRADES,
        passes="read_as IS NULL",
        fault="{read_as}",
        mend=mend,
        source=source,
    )


def class_teacher(id_: str, severity: Severity, *, asks: str, mend: str, source: str, subject: bool = False) -> Need:
    """Every class has a teacher."""
    return Need(
        id_,
        severity,
        things="classes",
        asks=asks,
        of=judged.classes_sure_of("owners"),
        passes="owners > 0",
        fault="The class has no teacher.",
        mend=mend,
        source=source,
        subject=subject,
    )


def class_students(id_: str, severity: Severity, *, mend: str, source: str) -> Need:
    """Every class has students."""
    return Need(
        id_,
        severity,
        things="classes",
        asks="Every class has students.",
        of=judged.classes_sure_of("students"),
        passes="students > 0",
        fault="The class has no students.",
        mend=mend,
        source=source,
    )
