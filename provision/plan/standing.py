"""What the roster, Microsoft 365 and the ledger say about a key, in the run that has just been planned.

Every fact is a word and a query; the words are put into sentences by `reports.explanation`.
"""

from __future__ import annotations

from provision.policy.kinds import LINKS, OBJECTS, READ_WITH_OBJECTS
from provision.profile import Profile
from provision.roster.codes import NO_ACCOUNT_ROLES
from provision.store import Store
from provision.store.sql import literal, literals

BY = {0: "accepted", 1: "anchor", 2: "ledger", 3: "profile"}
"""How strong a claim to an account is, as `policy.matching` numbers it, in a word."""


def names(*, links: bool) -> str:
    """SQL for the keys `k` of this run and what else they are called by, `n`; `links` as well, which are many."""
    parts = [
        "SELECT 'user:' || id AS k, unnest([source_id, username]) AS n FROM roster.persons",
        "SELECT 'section:' || id, NULL FROM roster.sections",
        "SELECT 'school:' || id, NULL FROM roster.orgs",
        f"SELECT {_HELD_KEY}, NULL FROM roster.held",
        "SELECT key, object_id FROM ledger.objects",
        "SELECT key, user_principal_name FROM desired.users",
        "SELECT key, alias FROM run.wanted_sections",
        "SELECT key, anchor FROM run.wanted_school_groups",
        "SELECT 'sku:' || part_number, sku_id FROM current.skus",
        *(_objects(kind, columns, otherwise) for kind, (columns, otherwise) in _CALLED.items()),
    ]
    if links:
        parts += [
            "SELECT key, NULL FROM desired.links",
            "SELECT key, NULL FROM ledger.links",
            "SELECT 'member:' || run.part(section_id) || '/' || person_id, NULL FROM roster.enrollments",
        ]
    return " UNION ALL ".join(parts)


def gather(store: Store, profile: Profile) -> None:
    """Make `run.facts (subject, place, fact, said, file, record)` for the keys of `run.subjects`.

    `said` is a JSON object of the values that belong to the fact.
    """
    store.run(f"""
        CREATE OR REPLACE TABLE run.object_ids AS SELECT DISTINCT key, object_id FROM ({_OBJECT_IDS})
        WHERE key IN (SELECT unnest([left_key, right_key]) FROM run.subjects)""")
    store.run(
        "CREATE OR REPLACE TABLE run.facts "
        "(subject TEXT, place INTEGER, fact TEXT, said JSON, file TEXT, record BIGINT)"
    )
    for place, (fact, query) in enumerate(_facts(profile)):
        store.run(f"""
            INSERT INTO run.facts
            SELECT DISTINCT q.subject, {place}, {literal(fact)}, q.said, q.file, q.record
            FROM ({query}) q (subject, said, file, record)""")


_HELD_KINDS = {"person": "user", "section": "section", "org": "school"}
_HELD_KEY = (
    f"CASE kind {' '.join(f'WHEN {literal(held)} THEN {literal(kind)}' for held, kind in _HELD_KINDS.items())} END "
    "|| ':' || id"
)
_ROSTER = """(SELECT 'user:' || id AS key, file, record FROM roster.persons
    UNION ALL SELECT 'section:' || id, file, record FROM roster.sections
    UNION ALL SELECT 'school:' || id, file, record FROM roster.orgs)"""
_CALLED = {
    "user": ("user_principal_name, mail, mail_nickname", "'user:' || o.object_id"),
    "section": ("mail_nickname", "'section:' || o.external_id"),
    "school": ("NULL", "'school:' || o.external_id"),
    "school_group": ("mail_nickname, unique_name", "NULL"),
}
"""What an object of Microsoft 365 is called by, and its key where nobody claims it."""
_CURRENT = {kind.name: kind.current for kind in OBJECTS}
_NAME = {"user": "user_principal_name", "section": "mail_nickname", "school": "display_name",
         "school_group": "mail_nickname"}  # fmt: skip
_OBJECT_IDS = " UNION ALL ".join([
    *(f"SELECT key, object_id FROM {kind.desired} WHERE object_id IS NOT NULL" for kind in OBJECTS),
    "SELECT key, object_id FROM ledger.objects",
    "SELECT 'user:' || object_id, object_id FROM current.users",
    "SELECT 'sku:' || part_number, sku_id FROM current.skus",
])  # fmt: skip
"""Which object a key stands for, as far as it is known; `run.object_ids` has those of the ends of links."""


def _objects(kind: str, columns: str, otherwise: str) -> str:
    return f"""
        SELECT coalesce(c.key, l.key, {otherwise}), unnest([o.object_id, {columns}])
        FROM {_CURRENT[kind]} o
        LEFT JOIN run.{kind}_claims c ON c.object_id = o.object_id
        LEFT JOIN ledger.objects l ON l.kind = '{kind}' AND l.object_id = o.object_id"""


def _facts(profile: Profile) -> list[tuple[str, str]]:
    """The facts in the order in which they are told: a word, and SQL for subject, said, file and record."""
    return [
        ("in-roster", f"SELECT s.key, '{{}}', r.file, r.record FROM run.subjects s JOIN {_ROSTER} r ON r.key = s.key"),
        ("held", f"""
            SELECT s.key, json_object('rule', h.rule), h.file, h.record
            FROM run.subjects s JOIN (SELECT {_HELD_KEY} AS key, rule, file, record FROM roster.held) h USING (key)"""),
        ("not-in-roster", _NOT_IN_ROSTER),
        ("role", """
            SELECT s.key, json_object('role', r.role, 'org', r.org_id, 'name', o.name), r.file, r.record
            FROM run.subjects s JOIN roster.roles r ON s.kind = 'user' AND r.person_id = s.id
            LEFT JOIN roster.orgs o ON o.id = r.org_id"""),
        ("at-school", """
            SELECT s.key, json_object('school', o.school_id), NULL, NULL
            FROM run.subjects s JOIN roster.sections c ON s.kind = 'section' AND c.id = s.id
            LEFT JOIN run.org_school o ON o.org_id = c.org_id"""),
        *_left_out(profile),
        *(fact for kind in OBJECTS for fact in _matching(kind.name)),
        ("nobody", """
            SELECT s.key, json_object('account', u.user_principal_name), NULL, NULL
            FROM run.subjects s JOIN current.users u ON s.kind = 'user' AND u.object_id = s.id"""),
        ("ledger", f"SELECT {_LEDGER} AND o.object_id IS NOT NULL"),
        ("ledger-lost", f"SELECT {_LEDGER} AND o.object_id IS NULL"),
        ("not-in-ledger", f"""
            SELECT s.key, '{{}}', NULL, NULL FROM run.subjects s
            WHERE s.kind IN {literals(kind.name for kind in OBJECTS)}
              AND s.key NOT IN (SELECT key FROM ledger.objects) AND s.id NOT IN (SELECT object_id FROM current.users)
            """),
        ("as-wanted", _as_wanted()),
        ("links-as-wanted", _LINKS_AS_WANTED),
        *_LINK_FACTS,
        ("link-left-out", _LINK_LEFT_OUT),
        ("finding", _FINDINGS),
    ]  # fmt: skip


_ACCOUNTS = " UNION ALL ".join(f"SELECT object_id, {_NAME[kind]} AS account FROM {_CURRENT[kind]}" for kind in _NAME)
_LEDGER = f"""
    s.key, json_object('run', l.run, 'account', o.account, 'object_id', l.object_id), NULL, NULL
    FROM run.subjects s JOIN ledger.objects l ON l.key = s.key
    LEFT JOIN ({_ACCOUNTS}) o ON o.object_id = l.object_id WHERE true"""

_NOT_IN_ROSTER = f"""
    SELECT s.key, '{{}}', NULL, NULL FROM run.subjects s
    WHERE s.kind IN ('user', 'section', 'school') AND s.key NOT IN (SELECT key FROM {_ROSTER})
      AND s.key NOT IN (SELECT coalesce({_HELD_KEY}, '') FROM roster.held)
      AND s.id NOT IN (SELECT object_id FROM current.users)"""


def _left_out(profile: Profile) -> list[tuple[str, str]]:
    """Why the policy does not even look at what the roster has."""
    types = literals(kind.lower() for kind in profile.schools.types)
    everybody = f"SELECT person_id FROM roster.roles WHERE lower(role) NOT IN {literals(NO_ACCOUNT_ROLES)}"
    contacts = "SELECT person_id FROM roster.roles UNION ALL SELECT contact_id FROM roster.relationships"
    schools = f"[{', '.join(literal(school) for school in profile.roster.schools)}]::TEXT[]"
    left_out = f"""
        SELECT s.key, json_object('schools', {schools}), NULL, NULL FROM run.subjects s
        WHERE (s.kind = 'user' AND s.id IN (SELECT id FROM roster.persons) AND s.id IN ({everybody})
               AND s.key NOT IN (SELECT key FROM run.people))
           OR (s.kind = 'section' AND s.id IN (SELECT id FROM roster.sections)
               AND s.key NOT IN (SELECT key FROM run.sections))
           OR (s.kind = 'school' AND s.id IN (SELECT id FROM roster.orgs WHERE lower(type) IN {types})
               AND s.key NOT IN (SELECT key FROM run.schools))"""
    found = [
        ("no-role", f"""
            SELECT s.key, '{{}}', NULL, NULL FROM run.subjects s JOIN roster.persons p ON s.key = 'user:' || p.id
            WHERE p.id NOT IN ({everybody}) AND p.id NOT IN ({contacts})"""),
        ("contact-only", f"""
            SELECT s.key, '{{}}', NULL, NULL FROM run.subjects s JOIN roster.persons p ON s.key = 'user:' || p.id
            WHERE p.id NOT IN ({everybody}) AND p.id IN ({contacts})"""),
        ("out-of-scope", left_out),
        ("no-school", f"""
            SELECT s.key, json_object('type', o.type, 'school', n.school_id), NULL, NULL
            FROM run.subjects s JOIN roster.orgs o ON s.key = 'school:' || o.id
            LEFT JOIN run.org_school n ON n.org_id = o.id
            WHERE lower(o.type) NOT IN {types}"""),
        ("group-not-selected", """
            SELECT s.key, '{}', NULL, NULL FROM run.subjects s
            WHERE s.kind = 'school_group' AND s.key NOT IN (SELECT key FROM run.wanted_school_groups)"""),
    ]  # fmt: skip
    off = {"section": not profile.sections.enabled, "school": not profile.schools.administrative_units}
    return found + [
        (f"{kind}s-off", f"SELECT key, '{{}}', NULL, NULL FROM run.subjects WHERE kind = '{kind}'")
        for kind, is_off in off.items()
        if is_off
    ]


def _matching(kind: str) -> list[tuple[str, str]]:
    """Which object of Microsoft 365 is its own: one, several, one that another claims too, or none."""
    wanted = "run.people" if kind == "user" else f"run.wanted_{kind}s"
    by = " ".join(f"WHEN {strength} THEN '{word}'" for strength, word in BY.items())
    account = f"'account', o.{_NAME[kind]}, 'object_id', o.object_id, 'by', CASE c.strength {by} END"
    claims = f"""
        FROM run.subjects s JOIN run.{kind}_claims c ON c.key = s.key
        JOIN {_CURRENT[kind]} o ON o.object_id = c.object_id
        JOIN run.{kind}_matches m ON m.key = s.key"""
    return [
        ("matched", f"""
            SELECT s.key, json_object({account}), NULL, NULL {claims} AND m.conflict IS NULL
            WHERE c.object_id = m.object_id
            QUALIFY c.strength = min(c.strength) OVER (PARTITION BY s.key)"""),
        ("claim", f"SELECT s.key, json_object({account}), NULL, NULL {claims} AND m.conflict IS NOT NULL"),
        ("rival", f"""
            SELECT s.key, json_object('key', r.key, {account.replace("c.strength", "r.strength")}), NULL, NULL
            {claims} AND m.conflict IS NOT NULL
            JOIN run.{kind}_claims r ON r.object_id = c.object_id AND r.key <> s.key"""),
        ("no-account", f"""
            SELECT s.key, '{{}}', NULL, NULL FROM run.subjects s JOIN {wanted} w ON w.key = s.key
            WHERE s.kind = '{kind}' AND s.key NOT IN (SELECT key FROM run.{kind}_matches)"""),
    ]  # fmt: skip


def _as_wanted() -> str:
    """Objects that are there, are ours to look after, and need nothing."""
    return " UNION ALL ".join(
        f"""
        SELECT s.key, '{{}}', NULL, NULL FROM run.subjects s JOIN {kind.desired} d ON d.key = s.key
        WHERE d.object_id IS NOT NULL
          AND s.key NOT IN (SELECT key FROM run.changes UNION ALL SELECT coalesce(key, '') FROM run.notes)"""
        for kind in OBJECTS
    )


_LINKS_AS_WANTED = """
    SELECT s.key, json_object('kind', d.kind, 'number', count(*)), NULL, NULL
    FROM run.subjects s
    JOIN desired.links d ON d.left_key = s.key OR d.right_key = s.key
    JOIN current.links c ON c.kind = d.kind AND c.left_id = d.left_id AND c.right_id = d.right_id
    GROUP BY s.key, d.kind"""

_LINK = f"""
    FROM run.subjects s
    JOIN run.object_ids a ON a.key = s.left_key JOIN run.object_ids b ON b.key = s.right_key
    LEFT JOIN current.links c ON c.kind = s.kind AND c.left_id = a.object_id AND c.right_id = b.object_id
    LEFT JOIN run.known_links k ON k.kind = s.kind AND k.left_id = a.object_id AND k.right_id = b.object_id
    WHERE s.kind IN {literals(kind.name for kind in LINKS)}"""
"""A link of which both ends are known; `c` is the link as it is, `k` as the ledger remembers it."""
_READ = f"(s.kind IN {READ_WITH_OBJECTS} OR (s.kind, a.object_id) IN (SELECT (kind, object_id) FROM run.wanted))"

_LINK_FACTS = [
    ("enrolled", """
        SELECT s.key, json_object('role', e.role), e.file, e.record
        FROM run.subjects s JOIN roster.enrollments e
          ON s.kind IN ('owner', 'member') AND s.left_key = 'section:' || e.section_id
         AND s.right_key = 'user:' || e.person_id"""),
    ("not-enrolled", """
        SELECT s.key, '{}', NULL, NULL FROM run.subjects s
        WHERE s.kind IN ('owner', 'member')
          AND (s.left_key, s.right_key) NOT IN (SELECT (left_key, right_key) FROM run.named)"""),
    ("link-as-wanted", f"""
        SELECT s.key, '{{}}', NULL, NULL {_LINK} AND c.kind IS NOT NULL
          AND s.key IN (SELECT key FROM desired.links)"""),
    ("link-there", f"""
        SELECT s.key, '{{}}', NULL, NULL {_LINK} AND c.kind IS NOT NULL
          AND s.key NOT IN (SELECT key FROM desired.links)"""),
    ("link-not-there", f"SELECT s.key, '{{}}', NULL, NULL {_LINK} AND c.kind IS NULL AND {_READ}"),
    ("link-ours", f"SELECT s.key, json_object('role', k.role), NULL, NULL {_LINK} AND k.kind IS NOT NULL"),
    ("link-not-ours", f"SELECT s.key, '{{}}', NULL, NULL {_LINK} AND c.kind IS NOT NULL AND k.kind IS NULL"),
]  # fmt: skip

_LINK_LEFT_OUT = """
    WITH said AS (
        SELECT 'member:' || run.part(section_id) || '/' || person_id AS key, 'section:' || section_id AS left_key,
               'user:' || person_id AS right_key, file, record
        FROM roster.enrollments),
    mine AS (
        SELECT s.key AS subject, e.* FROM run.subjects s JOIN said e ON e.left_key = s.key
        UNION ALL SELECT s.key, e.* FROM run.subjects s JOIN said e ON e.right_key = s.key
        UNION ALL SELECT s.key, e.* FROM run.subjects s
            JOIN said e ON e.left_key = s.left_key AND e.right_key = s.right_key WHERE s.kind IN ('owner', 'member')),
    ends AS (
        SELECT *, left_key NOT IN (SELECT key FROM desired.sections) AS no_section,
               right_key NOT IN (SELECT key FROM desired.users) AS no_user FROM mine)
    SELECT e.subject, json_object('key', e.key, 'end', CASE WHEN no_section THEN left_key ELSE right_key END,
                                  'what', a.what, 'rule', a.rule), e.file, e.record
    FROM ends e LEFT JOIN run.set_aside a ON a.key = CASE WHEN no_section THEN left_key ELSE right_key END
    WHERE (no_section OR no_user) AND e.key NOT IN (SELECT coalesce(key, '') FROM run.notes)"""
"""Enrollments of which one end is left out: no line of the plan says so."""

_FINDINGS = f"""
    WITH rows AS (
        SELECT key, file, record FROM {_ROSTER}
        UNION ALL SELECT {_HELD_KEY}, file, record FROM roster.held
        UNION ALL SELECT 'user:' || person_id, file, record FROM roster.roles
        UNION ALL SELECT 'user:' || person_id, file, record FROM roster.demographics
        UNION ALL SELECT unnest(['section:' || id, 'user:' || other_id, 'member:' || run.part(id) || '/' || other_id,
                             'owner:' || run.part(id) || '/' || other_id]), file, record
              FROM roster.held WHERE kind = 'enrollment'
        UNION ALL SELECT unnest(['section:' || section_id, 'user:' || person_id,
                             'member:' || run.part(section_id) || '/' || person_id]), file, record
              FROM roster.enrollments)
    SELECT r.key, json_object('rule', f.rule, 'severity', f.severity, 'field', f.field, 'value', f.value,
                              'message', f.message, 'mend', f.mend), f.file, f.record
    FROM rows r JOIN run.subjects s ON s.key = r.key
    JOIN roster.findings f ON f.file = r.file AND f.record = r.record"""
