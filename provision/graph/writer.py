"""Carrying out writes: a `DirectoryWriter` on Graph.

Each write runs as a coroutine of its own that reads like its story; the `Courier` puts the requests of all of
them into batches. What is transient is sent again by the one retry policy. A create whose answer was lost is
looked for by its anchor before it is sent again, so that nothing is made twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from provision.apply.writer import Outcome, Usage, Write
from provision.errors import DirectoryError
from provision.graph.batch import MOST, Courier
from provision.graph.brake import Halted
from provision.graph.client import Graph
from provision.graph.clock import Clock
from provision.graph.errors import error_of, explain
from provision.graph.request import Answer, Request
from provision.graph.retry import ATTEMPTS, is_concurrency, is_transient, settle
from provision.graph.together import together
from provision.graph.writes import Kind

MOST_CONFLICTS = 14  # after so many looks between them, the conflict is with somebody else's object
LAG_ATTEMPTS = 14
"""At an object that was written a moment ago: eight minutes in all, for it has taken five until it was known."""


class GraphWriter:
    """Writes to the tenant behind `graph`."""

    batch_size = MOST

    def __init__(self, graph: Graph) -> None:
        graph.allow_writes()
        self._graph = graph
        self._clock = graph.brake.on(graph.clock)
        self._courier = Courier(graph, graph.clock, graph.brake, graph.pace, graph.units)

    @property
    def in_flight(self) -> int:
        """As many batches as the service bears at once, as far as it is known."""
        return self._courier.in_flight

    @property
    def usage(self) -> Usage:
        """What was sent, and how the quota stands."""
        pace = self._graph.pace
        return Usage(pace.sent, pace.used_share, pace.held)

    def halt(self) -> None:
        """Send nothing more; see `DirectoryWriter`."""
        self._graph.brake.put_on()

    async def write(self, writes: Sequence[Write]) -> list[list[Outcome]]:
        """Carry out `writes` on distinct objects; see `DirectoryWriter`.

        The requests that references have in common are counted with the first of them. Raises
        `DirectoryError` if none of the requests got an answer that says something about it.
        """
        jobs = [_Job(self._graph, self._courier, self._clock, write, lost=write.attempted) for write in writes]
        outcomes = await together(job.run() for job in jobs)
        if jobs and not any(job.answered or job.halted for job in jobs):
            raise DirectoryError(
                "Microsoft Graph does not answer, or does not accept our token.",
                [
                    *filter(None, (outcomes[0][0].error,)),
                    "Check the network and the credential, then go on with `provision apply --resume`.",
                ],
            )
        return [
            [replace(outcome, conflict=True) for outcome in some] if job.in_conflict else some
            for job, some in zip(jobs, outcomes, strict=True)
        ]


@dataclass(slots=True)
class _Job:
    """One write on its way. `sent` counts its requests; `lost`: the answer to one of them never came; `in_conflict`:
    one was refused because another request was writing the object; `begun`: one did something; `halted`: the next one
    was not to leave."""

    graph: Graph
    courier: Courier
    clock: Clock
    write: Write
    sent: int = 0
    lost: bool = False
    answered: bool = False
    in_conflict: bool = False
    renewed: bool = False
    begun: bool = False
    halted: bool = False

    @property
    def kind(self) -> Kind:
        return self.graph.layout.kinds[self.write.kind]

    async def run(self) -> list[Outcome]:
        try:
            return await self._carry_out()
        except Halted:
            return _counted([self._cut_short()] * max(1, len(self.write.references)), self.sent)

    def _cut_short(self) -> Outcome:
        """What is known of a change of which nothing more is to be sent."""
        self.halted = True
        return Outcome("open" if self.lost or self.begun else "halted")

    async def _carry_out(self) -> list[Outcome]:
        if self.write.action == "create":
            return [await self._create()]
        if self.write.action == "update":
            return [await self._update()]
        return await self._link()

    async def _create(self) -> Outcome:
        first, *rest = self.kind.requests(self.write, self.graph.root)
        answer = await self._made(first)
        if not answer.ok:
            return self._failed(answer, first)
        object_id = answer.fields.get("id") or await self._find()
        if object_id is None:
            return Outcome("failed", error="It was made, but could not be found again.", requests=self.sent)
        self.graph.recent.add(str(object_id))
        return await self._steps(str(object_id), [step.of(str(object_id)) for step in rest])

    async def _update(self) -> Outcome:
        object_id = self.write.object_id or ""
        return await self._steps(object_id, self.kind.requests(self.write, self.graph.root))

    async def _steps(self, object_id: str, steps: list[Request]) -> Outcome:
        """The requests on an object that exists, one after the other."""
        for step in steps:
            answer = await self._settled(step)
            if not answer.ok:
                return self._failed(answer, step, object_id)
        self.graph.recent.add(object_id)
        return Outcome("done", object_id, requests=self.sent)

    async def _made(self, first: Request) -> Answer:
        """The answer to a create; an object that an unanswered attempt has made counts as its answer."""
        conflicts = 0

        async def attempt() -> Answer:
            # an upsert makes no second one, so that it need not be looked for first
            found = await self._find() if self.lost and first.method == "POST" else None
            return Answer(200, content={"id": found}) if found else await self._send(first)

        def again(answer: Answer) -> bool:
            # after a lost answer a conflict is most likely with the object that we made: look again; and an upsert
            # finds no object where not every replica knows the one that we made
            nonlocal conflicts
            error = error_of(answer)
            conflict = self.lost and (error.is_conflict or (error.status == 404 and first.method == "PATCH"))
            conflicts += conflict
            return is_transient(answer) or (conflict and conflicts < MOST_CONFLICTS)

        return await settle(attempt, self.clock, again, LAG_ATTEMPTS)

    async def _find(self) -> str | None:
        """The object by its anchor. Lists lag behind writes, so several looks are taken where it matters."""
        find = self.kind.find
        if find is None:
            return None

        async def look() -> Answer:
            found = await find(self.write, lambda url: self._settled(Request("GET", url)))
            return Answer(200, content={"id": found} if found else {})

        answer = await settle(look, self.clock, lambda seen: "id" not in seen.fields, self.kind.looks)
        return answer.fields.get("id")

    async def _link(self) -> list[Outcome]:
        (whole,) = self.kind.requests(self.write, self.graph.root)
        answer = await self._settled(whole)
        references = len(self.write.references)
        if references > 1 and not answer.ok and self.kind.singles and self._may_concern_one(answer):
            shared = self.sent
            lost, requests = self.lost, self.kind.singles(self.write, self.graph.root)
            return _counted([await self._single(request, lost=lost) for request in requests], shared)
        return _counted([self._linked(answer, whole)] * references, self.sent)

    async def _single(self, request: Request, *, lost: bool) -> Outcome:
        """One of several references; `lost`: the answer to the request for all of them was."""
        before = self.sent
        self.lost, self.begun = lost, False
        try:
            outcome = self._linked(await self._settled(request), request)
        except Halted:
            outcome = self._cut_short()
        return Outcome(outcome.status, error=outcome.error, requests=self.sent - before)

    def _linked(self, answer: Answer, request: Request) -> Outcome:
        """What became of a link. After a lost answer, "there already" is most likely our own doing."""
        if answer.ok:
            return Outcome("done")
        error = error_of(answer)
        reached = error.is_gone if self.write.action == "remove" else error.is_there
        if reached:
            return Outcome("done" if self.lost else "already")
        return Outcome("failed", error=self._reason(answer, request))

    def _may_concern_one(self, answer: Answer) -> bool:
        error = error_of(answer)
        target = (self.write.object_id or "").lower()
        target_is_gone = error.status == 404 and target in error.message.lower()
        return error.may_concern_one and not target_is_gone

    async def _settled(self, request: Request) -> Answer:
        """The final answer to a request that may be sent again as it is."""
        fresh = self.graph.recent.any(request.ids)
        return await settle(
            lambda: self._send(request),
            self.clock,
            lambda answer: self._is_transient(request, answer),
            LAG_ATTEMPTS if fresh else ATTEMPTS,
        )

    async def _send(self, request: Request) -> Answer:
        answer = await self.courier.send(request)
        self.sent += 1
        if answer.status == 401 and not self.renewed:  # the token ran out while the others of its batch were served
            self.renewed = True
            self.graph.renew_token()
            return await self._send(request)
        self.answered = self.answered or answer.status not in (0, 401)
        self.lost = self.lost or (answer.lost and request.method != "GET")
        self.begun = self.begun or (answer.ok and request.method != "GET")
        self.in_conflict = self.in_conflict or is_concurrency(answer)
        return answer

    def _is_transient(self, request: Request, answer: Answer) -> bool:
        """Transient as such, or because what we wrote a moment ago is not known everywhere yet."""
        if is_transient(answer):
            return True
        error = error_of(answer)
        if request.method == "DELETE" or not (error.status == 404 or error.is_usage_location):
            return False  # a link that is not there is a good answer to its removal
        named = [one for one in request.ids if one.lower() in error.message.lower()]
        return self.graph.recent.any(named or request.ids)

    def _failed(self, answer: Answer, request: Request, object_id: str | None = None) -> Outcome:
        return Outcome("failed", object_id, self._reason(answer, request), self.sent)

    def _reason(self, answer: Answer, request: Request) -> str:
        reason = explain(answer, request)
        # no service is known to repeat a password, but this text is kept and shown
        return reason.replace(self.write.password, "…") if self.write.password else reason


def _counted(outcomes: list[Outcome], shared: int) -> list[Outcome]:
    """`outcomes` with the requests that they have in common counted once, with the first."""
    first, *rest = outcomes
    return [Outcome(first.status, first.object_id, first.error, first.requests + shared), *rest]
