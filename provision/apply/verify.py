"""May this plan be applied, here and now? Asked before anything is written."""

from __future__ import annotations

from datetime import datetime, timezone

from provision.errors import GuardTripped, StalePlan
from provision.plan.guards import advice
from provision.plan.header import guard_lines_now, limit_text
from provision.plan.planfile import Header
from provision.policy.accepted import accepted_now, accepted_path
from provision.profile import Profile
from provision.store import Store


def verify_header(header: Header, profile: Profile, overrides: frozenset[str], now: datetime) -> None:
    """Raise `StalePlan` (other profile or accepted matches, expired) or `GuardTripped`."""
    verify_profile(header, profile)
    if header.get("accepted_matches") != accepted_now(profile):
        raise StalePlan(
            f"The plan was made with other accepted matches than those in {accepted_path(profile)} now.",
            ["Plan again with this file, and have the new plan approved."],
        )
    if is_expired(header, now):
        raise StalePlan(f"The plan expired at {header['expires_at']}.", ["Plan again."])
    if stopping := _stopping(guard_lines_now(header, profile, now), overrides):
        raise GuardTripped("A guard stops this plan; nothing was written.", guard_sentences(stopping))


def verify_profile(header: Header, profile: Profile) -> None:
    """Raise `StalePlan` when the plan was made with another profile."""
    if header["profile"]["digest"] != profile.digest:
        raise StalePlan(
            f"The plan was made with another profile than '{profile.name}' as it is now.",
            ["Plan again with this profile, and have the new plan approved."],
        )


def is_expired(header: Header, now: datetime) -> bool:
    """Whether the time of the plan is over."""
    return now > datetime.strptime(header["expires_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def hindrances(header: Header, profile: Profile, now: datetime) -> list[str]:
    """Why `apply` would not carry out the whole of this plan now, in sentences."""
    found = []
    if is_expired(header, now):
        found.append(f"The plan expired at {header['expires_at']}: apply refuses it.")
    guards = [each["guard"] for each in _stopping(guard_lines_now(header, profile, now))]
    if guards:
        found.append(f"A guard stops the plan ({', '.join(guards)}): apply refuses it without --override.")
    if profile.plan.approval == "required":
        found.append("The profile requires an approval: apply carries out what is approved, and nothing else.")
    return found


def refuse_stopped(header: Header) -> None:
    """Raise `GuardTripped` where a guard stops the plan that has just been made."""
    if stopping := _stopping(header["guards"]):
        raise GuardTripped("A guard stops this plan; it will not be applied as it is.", guard_sentences(stopping))


def _stopping(guards: list[Header], overrides: frozenset[str] = frozenset()) -> list[Header]:
    return [each for each in guards if each["tripped"] and not each["overridden"] and each["guard"] not in overrides]


def verify_tenant(header: Header, store: Store) -> None:
    """Raise `StalePlan` when the directory that was just read is not the plan's."""
    here = store.value("SELECT id FROM current.tenant")
    if here != header["tenant"]["id"]:
        raise StalePlan(f"The plan is for tenant {header['tenant']['id']}, and this is {here}.")


def guard_sentences(guards: list[Header]) -> list[str]:
    """Each tripped guard in words, with its numbers and the way past it."""
    lines = []
    for guard in guards:
        lines += [
            f"{guard['guard']}: {measure['what']}: {measure['count']} of {measure['of']} "
            f"({measure['percent']} %), limit {limit_text(guard)}"
            for measure in guard["measures"]
        ]
        lines += advice(guard["guard"])
        lines.append(f"If this is right, add --override {guard['guard']} to this one run.")
    return lines
