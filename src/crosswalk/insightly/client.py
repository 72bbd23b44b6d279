"""The client: `async with Insightly(key, pod="na1") as crm`, then nouns and verbs."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from types import TracebackType
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from crosswalk.contract import Resource as Described
from crosswalk.contract import load
from crosswalk.insightly import pods
from crosswalk.insightly.activity_sets import ActivitySet
from crosswalk.insightly.articles import KnowledgeArticle, KnowledgeArticleCategory, KnowledgeArticleFolder
from crosswalk.insightly.call import READS, Answer, Call, Fault, Watch
from crosswalk.insightly.community import CommunityComment, CommunityForum, CommunityPost, ForumCategory
from crosswalk.insightly.contacts import Contact
from crosswalk.insightly.custom_fields import CustomField, FieldTypes
from crosswalk.insightly.custom_objects import CustomObject, CustomObjectRecord
from crosswalk.insightly.emails import Email
from crosswalk.insightly.errors import (
    BURST,
    Attempt,
    Done,
    Follow,
    Redirected,
    Repeat,
    Stop,
    Unknown,
    WrongUse,
    is_daily,
    judge,
    retry_after,
)
from crosswalk.insightly.events import Event
from crosswalk.insightly.files import DocumentTemplate, FileAttachment, FileCategory
from crosswalk.insightly.instance import Country, Currency, Instance
from crosswalk.insightly.kinds import KINDS
from crosswalk.insightly.leads import Lead, LeadSource, LeadStatus
from crosswalk.insightly.links import Follow as Followed
from crosswalk.insightly.links import Relationship, Tag
from crosswalk.insightly.notes import Comment, Note
from crosswalk.insightly.opportunities import (
    Opportunity,
    OpportunityCategory,
    OpportunityLineItem,
    OpportunityStateReason,
)
from crosswalk.insightly.organisations import Organisation
from crosswalk.insightly.pace import CALLS, Seen, start
from crosswalk.insightly.pacer import Pacer, Turns
from crosswalk.insightly.patience import patience
from crosswalk.insightly.pipelines import Pipeline, PipelineStage
from crosswalk.insightly.products import Pricebook, PricebookEntry, Product
from crosswalk.insightly.projects import Milestone, Project, ProjectCategory
from crosswalk.insightly.prospects import MarketingCustomEvent, MarketingVisit, Prospect
from crosswalk.insightly.quotations import Quotation, QuotationLineItem
from crosswalk.insightly.reading import decode
from crosswalk.insightly.record import R, Record
from crosswalk.insightly.relay import Passage, Relayed
from crosswalk.insightly.resource import Resource
from crosswalk.insightly.tasks import Task, TaskCategory
from crosswalk.insightly.tickets import Ticket
from crosswalk.insightly.trail import begin_try, step
from crosswalk.insightly.transport import LIMIT, TIMEOUT, Broken, Transport
from crosswalk.insightly.users import Permissions, Team, TeamMember, User

ATTEMPTS = 5
HOPS = 3
_SAFE = "%/?&=:+,;@!$'()*~"


class Insightly:
    """A client of one Insightly instance as one user: an attribute for every resource, verbs on each.

    `pod` is the part of the API URL in Insightly's user settings, such as `na1`; or give `base_url` whole and allow
    its host by name. The client keeps to `rate` calls in any second (`None`: to none) unless `pacer` does that.
    `calls` counts requests that left, `remaining` and `quota` are the day's as last told. `clock`, `sleep` and `rng`
    are there for tests.
    """

    activity_sets: Resource[ActivitySet]
    comments: Resource[Comment]
    community_comments: Resource[CommunityComment]
    community_forums: Resource[CommunityForum]
    community_posts: Resource[CommunityPost]
    contacts: Resource[Contact]
    countries: Resource[Country]
    currencies: Resource[Currency]
    custom_objects: Resource[CustomObject]
    document_templates: Resource[DocumentTemplate]
    emails: Resource[Email]
    events: Resource[Event]
    file_attachments: Resource[FileAttachment]
    file_categories: Resource[FileCategory]
    follows: Resource[Followed]
    forum_categories: Resource[ForumCategory]
    knowledge_article: Resource[KnowledgeArticle]
    knowledge_article_category: Resource[KnowledgeArticleCategory]
    knowledge_article_folder: Resource[KnowledgeArticleFolder]
    lead_sources: Resource[LeadSource]
    lead_statuses: Resource[LeadStatus]
    leads: Resource[Lead]
    marketing_custom_event: Resource[MarketingCustomEvent]
    marketing_visits: Resource[MarketingVisit]
    milestones: Resource[Milestone]
    notes: Resource[Note]
    opportunities: Resource[Opportunity]
    opportunity_categories: Resource[OpportunityCategory]
    opportunity_line_item: Resource[OpportunityLineItem]
    opportunity_state_reasons: Resource[OpportunityStateReason]
    organisations: Resource[Organisation]
    pipeline_stages: Resource[PipelineStage]
    pipelines: Resource[Pipeline]
    pricebook: Resource[Pricebook]
    pricebook_entry: Resource[PricebookEntry]
    product: Resource[Product]
    project_categories: Resource[ProjectCategory]
    projects: Resource[Project]
    prospect: Resource[Prospect]
    quotation: Resource[Quotation]
    quotation_line_item: Resource[QuotationLineItem]
    relationships: Resource[Relationship]
    tags: Resource[Tag]
    task_categories: Resource[TaskCategory]
    tasks: Resource[Task]
    team_members: Resource[TeamMember]
    teams: Resource[Team]
    ticket: Resource[Ticket]
    users: Resource[User]

    def __init__(
        self,
        api_key: str,
        *,
        pod: str | None = None,
        base_url: str | None = None,
        allow_hosts: Collection[str] = (),
        rate: int | None = CALLS,
        pacer: Pacer | None = None,
        timeout: float = TIMEOUT,
        attempts: int = ATTEMPTS,
        limit: int = LIMIT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self.base_url = pods.base_url(pod=pod, whole=base_url, allow_hosts=allow_hosts)
        self.calls = 0
        self.remaining: int | None = None
        self.quota: int | None = None
        self._transport = Transport(self.base_url, _checked(api_key), timeout=timeout, limit=limit)
        self._pacer = pacer if pacer is not None else Turns(start(rate))
        self._attempts = attempts
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311 (spreads repeats in time, keeps no secret)
        for record, about in _described().items():
            if about.key in Insightly.__annotations__:
                setattr(self, about.key, Resource(self, about, KINDS[record]))

    def __repr__(self) -> str:
        """Say where it goes, not with which key."""
        return f"Insightly({self.base_url!r}, key=***)"

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._transport.__aexit__(kind, exc, trace)

    def resource(self, name: str) -> Resource[Record]:
        """Any resource by Insightly's name or ours, custom objects (`Fruit__c`) too. Raises `UnknownResource`."""
        if name.lower().endswith("__c"):
            return Resource(self, _described()["CustomObjectRecord"], CustomObjectRecord, path=_path(name))
        about = load().resource(name)
        return Resource(self, about, KINDS.get(about.record or "", Record))

    def custom_object(self, name: str) -> Resource[CustomObjectRecord]:
        """The records of a custom object, such as `Fruit__c`."""
        return Resource(self, _described()["CustomObjectRecord"], CustomObjectRecord, path=_path(name))

    async def custom_fields(self, name: str) -> FieldTypes:
        """The custom fields of a resource or custom object, to type their values with."""
        record = name if name.lower().endswith("__c") else load().resource(name).record or name
        call, answer = await self._get(f"/CustomFields{_path(name)}")
        return FieldTypes.of(record, decode(call, answer, CustomField, many=True))

    async def instance(self) -> Instance:
        """The instance's name, plan and switches."""
        return await self._single("/Instance", Instance)

    async def permissions(self) -> Permissions:
        """What the key's user may do with each kind of record."""
        return await self._single("/Permissions", Permissions)

    async def download(self, file: int) -> bytes:
        """The bytes of an attached file."""
        _, answer = await self._get(f"/FileAttachments/{file}")
        return answer.body

    async def display(self, user: int, object_name: str, record: int) -> None:
        """Open a record on a user's screen, as telephony programs do."""
        await self.request("POST", f"/cti/user/{user}{_path(object_name)}/{record}/display")

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool | None = None,
        watch: Watch | None = None,
    ) -> Answer:
        """Make any call below the base URL, paced; raises what `errors` lists.

        `retry` says whether sending it twice does no harm; `None` means that GET and HEAD do none. `watch` hears when
        a try leaves and when it is over.
        """
        method = method.upper()
        call = Call(
            method=method,
            path=_spelled(path),
            params=params or {},
            headers=headers or {},
            body=msgspec.json.encode(json) if json is not None else body,
            reads=method in READS if retry is None else retry,
        )
        return await self.call(call, watch=watch)

    async def call(self, call: Call, *, watch: Watch | None = None) -> Answer:
        """Make one call: a slot for every try, repeats where `errors.judge` allows them."""
        number = hops = 1
        while True:
            begin_try(number)
            outcome = await self._exchange(call, watch)
            match judge(call, outcome, Attempt(number, self._clock(), self._rng.random())):
                case Done(answer):
                    return answer
                case Repeat(wait, error):
                    left = patience()
                    if number >= self._attempts or (left is not None and wait > left):
                        raise error
                    number += 1
                    await self._sleep(wait)
                case Follow(location, redirected):
                    if hops > HOPS:
                        raise redirected
                    hops += 1
                    call = self._followed(call, location, redirected)
                case Stop(error) | Unknown(error):
                    raise error

    @asynccontextmanager
    async def relay(self, passage: Passage) -> AsyncIterator[Relayed]:
        """Pass a call through unread, paced, once: any answer is one, a redirect too. Its slot is held to the end.

        Raises `NotConnected`, `NoAnswer` and `ResponseUnknown` when none comes.
        """
        call = Call(method=passage.method, path=passage.path, reads=passage.method in READS)
        begin_try(1)
        slot = await self._pacer.slot(call)
        began, first_byte = time.monotonic(), list[float]()
        seen: Seen | None = None

        def sent() -> None:
            first_byte.append(time.monotonic())
            self.calls += 1
            slot.sent()

        try:
            async with self._transport.relay(passage, slot.leave, sent) as relayed:
                headers = {name.lower(): value for name, value in relayed.headers}
                seen = self._seen(Answer(status=relayed.status, headers=headers), began, first_byte[0])
                if passage.streams:  # its sender's pace says nothing of Insightly's
                    seen = msgspec.structs.replace(seen, seconds=0.0)
                yield relayed
        except Broken as exc:
            raise self._named(call, exc.fault) from exc
        finally:
            slot.note(self._seen(None, began, first_byte[0] if first_byte else None) if seen is None else seen)

    def _named(self, call: Call, fault: Fault) -> Exception:
        """The error of a call that is not repeated."""
        match judge(call, fault, Attempt(self._attempts, self._clock(), 0.0)):
            case Repeat(_, error) | Stop(error) | Unknown(error):
                return error
            case decision:
                raise AssertionError(decision)

    async def _exchange(self, call: Call, watch: Watch | None) -> Answer | Fault:
        """Send once, in a slot that is given back whatever happens."""
        slot = await self._pacer.slot(call)
        began = time.monotonic()
        first_byte: list[float] = []
        outcome: Answer | Fault | None = None

        def sent() -> None:
            first_byte.append(time.monotonic())
            self.calls += 1
            slot.sent()
            step(call)
            if watch is not None:
                watch(flying=True)

        try:
            outcome = await self._transport.send(call, slot.leave, sent)
        finally:
            slot.note(self._seen(outcome, began, first_byte[0] if first_byte else None))
        if watch is not None:
            watch(flying=False)
        return outcome

    def _seen(self, outcome: Answer | Fault | None, began: float, sent_at: float | None) -> Seen:
        now = time.monotonic()
        if not isinstance(outcome, Answer):
            return Seen(None, sent_at, now - began)
        remaining, quota = outcome.number("x-ratelimit-remaining"), outcome.number("x-ratelimit-limit")
        self.remaining = self.remaining if remaining is None else remaining
        self.quota = self.quota if quota is None else quota
        named = retry_after(outcome, self._clock()) if outcome.status == BURST else None
        return Seen(
            outcome.status,
            sent_at,
            now - (sent_at or began),
            hold=None if named is None else now + (named - self._clock()).total_seconds(),
            daily=outcome.status == BURST and is_daily(outcome),
            remaining=remaining,
            quota=quota,
        )

    def _followed(self, call: Call, location: str, error: Redirected) -> Call:
        """The call at its new place; raises `error` when that is not below the base URL."""
        base, there = urlsplit(self.base_url), urlsplit(urljoin(self.base_url + call.path, location))
        if (there.scheme, there.netloc) != (base.scheme, base.netloc) or not there.path.startswith(f"{base.path}/"):
            raise error
        path = there.path.removeprefix(base.path) + (f"?{there.query}" if there.query else "")
        return msgspec.structs.replace(call, path=path, params={})

    async def _get(self, path: str) -> tuple[Call, Answer]:
        call = Call(method="GET", path=path, reads=True)
        return call, await self.call(call)

    async def _single(self, path: str, kind: type[R]) -> R:
        return decode(*await self._get(path), kind)[-1]


@cache
def _described() -> Mapping[str, Described]:
    """The contract's resources by what one of their records is called."""
    return {about.record: about for about in load().resources.values() if about.record}


@lru_cache(maxsize=256)  # most calls of a run have one path
def _spelled(path: str) -> str:
    return "/" + quote(path.lstrip("/"), safe=_SAFE)


def _path(name: str) -> str:
    return "/" + quote(name, safe="")


def _checked(key: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or ":" in key:
        raise WrongUse("The API key is empty or holds characters that a key never has. Copy it again.")
    return key
