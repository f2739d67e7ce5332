"""The tables of the store. Those that are kept are a list of migrations: append, never edit what has been released.

`roster` is what the school says, `current` what Microsoft 365 holds, `desired` what it should hold, `ledger` what
we have put there, `journal` what was attempted, `planned` what open plans were made from, `run` what this run is
working on (its tables, like those of `desired`, are made anew by the step that fills them). All values are text unless
a type says otherwise; dates are ISO 8601 text. `file` and `record` give the origin of a row: the file's name and
the row as a spreadsheet numbers it (the header is row 1).
"""

from __future__ import annotations

PASSING = """
CREATE SCHEMA run;
CREATE SCHEMA desired;
CREATE SCHEMA roster;
CREATE TABLE roster.files (file TEXT, sha256 TEXT, bytes BIGINT, records BIGINT);
CREATE TABLE roster.orgs (
    id TEXT, name TEXT, type TEXT, parent_id TEXT, number TEXT, nces_id TEXT, state_id TEXT,
    grade_low TEXT, grade_high TEXT, principal_id TEXT, principal_name TEXT, principal_email TEXT,
    address TEXT, city TEXT, state TEXT, country TEXT, zip TEXT, phone TEXT, zone TEXT,
    file TEXT, record BIGINT);
CREATE TABLE roster.persons (
    id TEXT, source_id TEXT, username TEXT, given_name TEXT, family_name TEXT, middle_name TEXT,
    preferred_given_name TEXT, preferred_middle_name TEXT, preferred_family_name TEXT, pronouns TEXT,
    password TEXT, secondary_email TEXT, match_id TEXT, master_id TEXT, other_ids TEXT, phone TEXT, sms TEXT,
    number TEXT, state_id TEXT, title TEXT, qualification TEXT, graduation_year TEXT, status TEXT,
    file TEXT, record BIGINT);
CREATE TABLE roster.roles (
    person_id TEXT, org_id TEXT, role TEXT, session_id TEXT, grade TEXT, is_primary BOOLEAN,
    start_date DATE, end_date DATE, profile_id TEXT, status TEXT, file TEXT, record BIGINT);
CREATE TABLE roster.sections (
    id TEXT, org_id TEXT, title TEXT, number TEXT, code TEXT, session_ids TEXT[], course_id TEXT,
    periods TEXT, status TEXT, type TEXT, grade TEXT, subject TEXT, subject_codes TEXT, location TEXT,
    file TEXT, record BIGINT);
CREATE TABLE roster.enrollments (
    section_id TEXT, person_id TEXT, role TEXT, is_primary BOOLEAN, start_date DATE, end_date DATE, status TEXT,
    file TEXT, record BIGINT);
CREATE TABLE roster.sessions (
    id TEXT, title TEXT, type TEXT, school_year TEXT, start_date DATE, end_date DATE, parent_id TEXT,
    file TEXT, record BIGINT);
CREATE TABLE roster.courses (
    id TEXT, org_id TEXT, title TEXT, code TEXT, description TEXT, school_year_session_id TEXT, subject TEXT,
    subject_codes TEXT, grade TEXT, file TEXT, record BIGINT);
CREATE TABLE roster.demographics (
    person_id TEXT, sex TEXT, birth_date DATE, birth_city TEXT, birth_state TEXT, birth_country TEXT,
    ethnicity_codes TEXT, race_codes TEXT, residence_status TEXT, file TEXT, record BIGINT);
CREATE TABLE roster.flags (person_id TEXT, flag TEXT, file TEXT, record BIGINT);
CREATE TABLE roster.relationships (person_id TEXT, contact_id TEXT, role TEXT, file TEXT, record BIGINT);
CREATE TABLE roster.user_profiles (
    id TEXT, person_id TEXT, type TEXT, vendor_id TEXT, application_id TEXT, description TEXT,
    credential_type TEXT, username TEXT, password TEXT, file TEXT, record BIGINT);
CREATE TABLE roster.findings (
    rule TEXT, severity TEXT, file TEXT, record BIGINT, field TEXT, value TEXT, message TEXT, mend TEXT);
CREATE TABLE roster.held (kind TEXT, id TEXT, other_id TEXT, rule TEXT, file TEXT, record BIGINT);
CREATE TABLE roster.dropped (tbl TEXT, col TEXT, file TEXT, record BIGINT);
"""
"""What the school says, and what this run makes of it. Every run reads it anew, so it is made anew with every store and
never kept: rows in memory, or spilled, are written three times as fast as rows in a file, and nobody's data stay
behind."""

CURRENT = """
CREATE SCHEMA current;
CREATE TABLE current.tenant (id TEXT, name TEXT);
CREATE TABLE current.domains (name TEXT, verified BOOLEAN);
CREATE TABLE current.skus (sku_id TEXT, part_number TEXT, enabled BIGINT, consumed BIGINT);
CREATE TABLE current.service_plans (sku_id TEXT, plan_id TEXT, plan_name TEXT);
CREATE TABLE current.users (
    object_id TEXT, user_principal_name TEXT, mail TEXT, mail_nickname TEXT, display_name TEXT, given_name TEXT,
    family_name TEXT, middle_name TEXT, job_title TEXT, employee_id TEXT, usage_location TEXT, age_group TEXT,
    consent TEXT, synced BOOLEAN, primary_role TEXT, external_source TEXT, student_id TEXT, teacher_id TEXT,
    grade TEXT, student_number TEXT, graduation_year TEXT, birth_date TEXT, teacher_number TEXT);
CREATE TABLE current.groups (
    object_id TEXT, display_name TEXT, mail TEXT, mail_nickname TEXT, unique_name TEXT, unified BOOLEAN,
    security BOOLEAN, synced BOOLEAN);
CREATE TABLE current.sections (
    object_id TEXT, external_id TEXT, display_name TEXT, mail_nickname TEXT, description TEXT, external_name TEXT,
    external_source TEXT, class_code TEXT, grade TEXT, course_id TEXT, course_name TEXT, course_number TEXT,
    course_description TEXT, course_subject TEXT, term_id TEXT, term_name TEXT, term_start TEXT, term_end TEXT);
CREATE TABLE current.schools (
    object_id TEXT, external_id TEXT, display_name TEXT, external_source TEXT, school_number TEXT, phone TEXT,
    principal_id TEXT, principal_name TEXT, principal_email TEXT, lowest_grade TEXT, highest_grade TEXT,
    street TEXT, city TEXT, state TEXT, postal_code TEXT, country TEXT);
CREATE TABLE current.links (kind TEXT, left_id TEXT, right_id TEXT);
CREATE TABLE current.admins (user_id TEXT);
CREATE VIEW current.school_groups AS
    SELECT object_id, unique_name, display_name, mail_nickname, NULL::TEXT AS description
    FROM current.groups WHERE unique_name IS NOT NULL;
CREATE VIEW current.objects AS
    SELECT object_id FROM current.users UNION ALL SELECT object_id FROM current.groups
    UNION ALL SELECT object_id FROM current.schools;
"""

LEDGER = """
CREATE SCHEMA ledger;
CREATE TABLE ledger.objects (kind TEXT, key TEXT, object_id TEXT, run TEXT);
CREATE TABLE ledger.links (
    kind TEXT, key TEXT, left_key TEXT, right_key TEXT, left_id TEXT, right_id TEXT, role TEXT, run TEXT);
CREATE TABLE ledger.roster_counts (entity TEXT, school TEXT, records BIGINT);
CREATE TABLE ledger.roster_files (file TEXT, records BIGINT);
CREATE TABLE ledger.profile (name TEXT, tenant TEXT);
"""

JOURNAL = """
CREATE SCHEMA journal;
CREATE TABLE journal.runs (
    run TEXT, plan_id TEXT, tenant TEXT, started TIMESTAMPTZ, finished TIMESTAMPTZ, done BIGINT, failed BIGINT,
    skipped BIGINT, stale BIGINT);
CREATE TABLE journal.intents (
    run TEXT, change_id TEXT, kind TEXT, action TEXT, key TEXT, object_id TEXT, left_key TEXT, right_key TEXT,
    left_id TEXT, right_id TEXT, role TEXT, moment TIMESTAMPTZ);
CREATE TABLE journal.outcomes (
    run TEXT, change_id TEXT, status TEXT, object_id TEXT, error TEXT, requests BIGINT, moment TIMESTAMPTZ);
"""

UNSETTLED = """
CREATE VIEW journal.unsettled AS
    SELECT i.*, r.plan_id FROM journal.intents i JOIN journal.runs r ON r.run = i.run
    WHERE NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = i.change_id AND o.moment >= i.moment)
      AND NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = 'add:' || i.key AND o.moment >= i.moment)
      AND NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = 'remove:' || i.key AND o.moment >= i.moment);
"""
"""What was to be sent at once, or was, and has no answer, by any run: until a later outcome for the same object or link
is known."""

PLANNED = """
CREATE SCHEMA planned;
CREATE TABLE planned.plans (digest TEXT, expires TIMESTAMPTZ);
CREATE TABLE planned.roster_files (digest TEXT, file TEXT, records BIGINT);
CREATE TABLE planned.roster_counts (digest TEXT, entity TEXT, school TEXT, records BIGINT);
CREATE TABLE planned.objects (digest TEXT, kind TEXT, key TEXT, object_id TEXT);
CREATE TABLE planned.links (
    digest TEXT, was TEXT, kind TEXT, key TEXT, left_key TEXT, right_key TEXT, left_id TEXT, right_id TEXT,
    role TEXT);
"""
"""What each plan that may still be applied was made from: the ledger takes it over when the plan has been applied.
`links` corrects the ledger's: the link with key `was` is to be forgotten, or (if `key` is given) to be as it says."""

PASSWORDS = """
DROP SCHEMA IF EXISTS roster CASCADE;
CREATE TABLE planned.passwords (key TEXT, password TEXT);
"""
"""Those that the roster gives, of accounts that the last whole plan and the parts planned since make.
The roster itself was once kept with them."""

REJECTIONS = """
CREATE TABLE ledger.rejections (id TEXT, value TEXT, reason TEXT, approver TEXT, approved_at TEXT);
"""
"""Changes that an approver refused, by their id; of an update also the values (`after`), since other ones are
another matter."""

VALUES = f"""
DROP VIEW journal.unsettled;
ALTER TABLE journal.intents ADD COLUMN before JSON;
ALTER TABLE journal.intents ADD COLUMN after JSON;
{UNSETTLED}"""
"""The values that an update replaced and wrote, which an undo puts back."""

FOLLOWED = """
CREATE TABLE current.tokens (feed TEXT, link TEXT);
CREATE TABLE current.linked (kind TEXT, object_id TEXT);
CREATE TABLE current.reading (root TEXT, tenant TEXT, read_at TIMESTAMPTZ);
"""
"""How far the directory is known: where each feed of changes goes on, whose links `current.links` has, and which tenant
was read when, as a whole. What is not in `reading` must be read anew."""

BIN = """
ALTER TABLE current.links RENAME TO all_links;
CREATE TABLE current.bin (id TEXT);
CREATE VIEW current.links AS FROM current.all_links l WHERE NOT EXISTS (FROM current.bin b WHERE b.id = l.right_id);
"""
"""Who is only in the bin is out of sight, and sits in his classes again when he comes back, of which nothing tells."""

LOGGED = "CREATE TABLE journal.taken_over (log TEXT);"
"""The name of the log that the journal took over last: see `provision.apply.log`."""

UNFINISHED = """
CREATE TABLE journal.unfinished (digest TEXT, path TEXT, approval TEXT);
DROP VIEW journal.unsettled;
CREATE VIEW journal.unsettled AS
    SELECT i.*, r.plan_id FROM journal.intents i JOIN journal.runs r ON r.run = i.run
    WHERE NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = i.change_id AND o.run = i.run)
      AND NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = i.change_id AND o.moment >= i.moment)
      AND NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = 'add:' || i.key AND o.moment >= i.moment)
      AND NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = 'remove:' || i.key AND o.moment >= i.moment);
"""
"""The plan that the last apply did not bring to its end, at most one row. And within a run an answer is one, whatever
the clock did between it and the request."""

ANSWERED = """
DROP VIEW journal.unsettled;
CREATE VIEW journal.unsettled AS
    WITH answers AS (FROM journal.outcomes WHERE status <> 'skipped')
    SELECT i.*, r.plan_id FROM journal.intents i JOIN journal.runs r ON r.run = i.run
    WHERE NOT EXISTS (FROM journal.outcomes o WHERE o.change_id = i.change_id AND o.run = i.run)
      AND NOT EXISTS (FROM answers o WHERE o.change_id = i.change_id AND o.moment >= i.moment)
      AND NOT EXISTS (FROM answers o WHERE o.change_id = 'add:' || i.key AND o.moment >= i.moment)
      AND NOT EXISTS (FROM answers o WHERE o.change_id = 'remove:' || i.key AND o.moment >= i.moment);
"""
"""What a run skips it has not asked about: that says nothing of what an earlier one had sent."""

NOT_KEPT = """
DROP SCHEMA IF EXISTS desired CASCADE;
DROP SCHEMA run CASCADE;
CREATE SCHEMA run;
CREATE TABLE run.schema_version (version INTEGER);
"""
"""What runs were working on was once kept, until the next run."""

MIGRATIONS: tuple[str, ...] = (
    CURRENT + LEDGER + JOURNAL + UNSETTLED + PLANNED, PASSWORDS, REJECTIONS, VALUES, FOLLOWED, BIN, LOGGED,
    UNFINISHED, NOT_KEPT, ANSWERED,
)  # fmt: skip
