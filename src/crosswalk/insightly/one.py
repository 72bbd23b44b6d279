"""One record by its id: what hangs below it, and what can be done to it beyond changing its fields."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from crosswalk.insightly.activity_sets import ActivitySetAssignment
from crosswalk.insightly.call import Answer, Call, Part
from crosswalk.insightly.children import Children, Place
from crosswalk.insightly.community import CommunityComment, CommunityPost
from crosswalk.insightly.contacts import Date
from crosswalk.insightly.emails import Email, LinkEmailAddress
from crosswalk.insightly.events import Event
from crosswalk.insightly.files import FileAttachment
from crosswalk.insightly.kinds import KINDS
from crosswalk.insightly.links import Following, Link, Tag
from crosswalk.insightly.notes import Comment, Note
from crosswalk.insightly.opportunities import OpportunityLineItem, OpportunityState
from crosswalk.insightly.organisations import EmailDomain
from crosswalk.insightly.products import PricebookEntry
from crosswalk.insightly.projects import Milestone
from crosswalk.insightly.prospects import StaticListMembership
from crosswalk.insightly.quotations import QuotationDocument, QuotationLineItem
from crosswalk.insightly.reading import decode, segment
from crosswalk.insightly.record import R, Record, to_fields
from crosswalk.insightly.tasks import Task
from crosswalk.insightly.tickets import TicketComment
from crosswalk.insightly.users import TeamMember
from crosswalk.insightly.wire import JSON

K = TypeVar("K", bound=Record)


class One(Generic[R]):
    """One record, such as `crm.contacts.at(7)`. What Insightly does not offer raises `NotOffered`, without a call."""

    def __init__(self, place: Place, kind: type[R]) -> None:
        self.id = place.id
        self._place = place
        self._kind = kind
        self.comments = self._children("Comments", Comment)
        self.dates = self._children("Dates", Date)
        self.documents = self._children("QuotationDocument", QuotationDocument)
        self.email_domains = self._children("EmailDomains", EmailDomain)
        self.emails = self._children("Emails", Email)
        self.events = self._children("Events", Event)
        self.files = self._children("FileAttachments", FileAttachment)
        self.line_items = self._children("OpportunityLineItem", OpportunityLineItem)
        self.links = self._children("Links", Link)
        self.list_memberships = self._children("StaticListMembership", StaticListMembership)
        self.milestones = self._children("Milestones", Milestone)
        self.notes = self._children("Notes", Note)
        self.post_comments = self._children("CommunityComments", CommunityComment)
        self.posts = self._children("CommunityPosts", CommunityPost)
        self.pricebook_entries = self._children("PricebookEntry", PricebookEntry)
        self.quotation_line_items = self._children("QuotationLineItem", QuotationLineItem)
        self.state_history = self._children("StateHistory", OpportunityState)
        self.tags = self._children("Tags", Tag)
        self.tasks = self._children("Tasks", Task)
        self.team_members = self._children("TeamMembers", TeamMember)
        self.ticket_comments = self._children("Comments", TicketComment)

    def _children(self, name: str, kind: type[K]) -> Children[K]:
        return Children(self._place, name, kind)

    def below(self, name: str) -> Children[Record]:
        """What hangs below by Insightly's name, such as `Comment` or `Notes`."""
        answers = (self._place.named(verb, name) for verb in ("GET", "POST", "PUT"))
        kind = next((KINDS[op.answers] for op in answers if op and op.answers and op.answers in KINDS), Record)
        return Children(self._place, name, kind)

    def translations(self, language: str) -> Children[R]:
        """The record in another language."""
        return Children(self._place, f"Translations/{segment(language)}", self._kind, pattern="Translations/{}")

    async def following(self) -> bool:
        """Whether the key's user follows it."""
        return await self._follow("GET")

    async def follow(self) -> None:
        """Follow it."""
        await self._follow("POST")

    async def unfollow(self) -> None:
        """Follow it no longer."""
        await self._do("DELETE", "Follow")

    async def _follow(self, verb: str) -> bool:
        return decode(*await self._do(verb, "Follow"), Following)[-1].following is True

    async def set_pipeline(
        self,
        pipeline: int,
        stage: int | None = None,
        *,
        activity_set: ActivitySetAssignment | None = None,
    ) -> None:
        """Put it into a pipeline, at a stage if given."""
        change: dict[str, JSON] = {}
        if stage is not None:
            change["PIPELINE_STAGE_CHANGE"] = _stage(stage, activity_set)
        await self._do("PUT", "Pipeline", {"PIPELINE_ID": pipeline, **change})

    async def clear_pipeline(self) -> None:
        """Take it out of its pipeline."""
        await self._do("DELETE", "Pipeline")

    async def set_stage(self, stage: int, *, activity_set: ActivitySetAssignment | None = None) -> None:
        """Move it to a stage of its pipeline."""
        await self._do("PUT", "PipelineStage", _stage(stage, activity_set))

    async def set_state(self, state: str, reason: int | None = None) -> None:
        """Win, lose, suspend, abandon or reopen an opportunity; Insightly keeps the history."""
        why: dict[str, JSON] = {"STATE_REASON_ID": reason} if reason is not None else {}
        await self._do("PUT", "StateChange", {"FOR_OPPORTUNITY_STATE": state, **why})

    async def set_pricebook(self, pricebook: int) -> None:
        """Give an opportunity its price book."""
        await self._do("PUT", "Pricebook", {"PRICEBOOK_ID": pricebook})

    async def assign_activity_set(self, assignment: ActivitySetAssignment) -> ActivitySetAssignment:
        """Make the tasks and events of an activity set for it."""
        answer = await self._do("POST", "ActivitySetAssignment", to_fields(assignment))
        return decode(*answer, ActivitySetAssignment)[-1]

    async def link_email_address(self) -> str | None:
        """The address that files mail under it."""
        address = decode(*await self._do("GET", "LinkEmailAddress"), LinkEmailAddress)[-1].email
        return address if isinstance(address, str) else None

    async def attach(
        self, name: str, data: bytes, *, content_type: str = "application/octet-stream", category: int | None = None
    ) -> FileAttachment:
        """Attach a file. Raises `LimitReached` when the plan's storage is used up, `NotDone` when Insightly fails."""
        self._place.must("POST", "FileAttachments")
        fields = {"file_name": name, "content_type": content_type, "file_category_id": category}
        parts = (
            Part("file", data, filename=name, content_type=content_type),
            *(Part(key, str(value)) for key, value in fields.items() if value is not None),
        )
        return decode(*await self._place.send("POST", "FileAttachments", form=parts), FileAttachment)[-1]

    async def image(self, field: str | None = None) -> bytes:
        """Its image, or the image in a custom field."""
        return await self._bytes("GET", *_image(field))

    async def set_image(self, name: str, data: bytes, *, field: str | None = None) -> None:
        """Set its image, or the one in a custom field, from a file's name and bytes."""
        pattern, below = _image(field)
        self._place.must("PUT", f"{pattern}/{{}}")
        await self._place.send("PUT", f"{below}/{segment(name)}", data=data)

    async def remove_image(self, field: str | None = None) -> None:
        """Remove its image, or the one in a custom field."""
        await self._bytes("DELETE", *_image(field))

    async def merge_document(self, template: int, *, output: str | None = None) -> bytes:
        """Fill a document template from it; `output` is Insightly's `format`."""
        self._place.must("POST", "MergeDocument/{}")
        params = {"format": output} if output else {}
        _, answer = await self._place.send("POST", f"MergeDocument/{template}", params=params)
        return answer.body

    async def merge_into(self, ticket_number: int) -> None:
        """Merge a ticket into another one, by that one's number."""
        await self._do("POST", "Merge", {"TARGET_TICKET_NUMBER": ticket_number})

    async def sync(self) -> None:
        """Make a quotation the one that its opportunity follows."""
        await self._do("PUT", "Sync")

    async def _bytes(self, verb: str, pattern: str, below: str) -> bytes:
        self._place.must(verb, pattern)
        _, answer = await self._place.send(verb, below)
        return answer.body

    async def _do(self, verb: str, below: str, body: Mapping[str, JSON] | None = None) -> tuple[Call, Answer]:
        self._place.must(verb, below)
        return await self._place.send(verb, below, body=body)


def _stage(stage: int, activity_set: ActivitySetAssignment | None) -> dict[str, JSON]:
    assignment: dict[str, JSON] = {"ACTIVITYSET_ASSIGNMENT": to_fields(activity_set)} if activity_set else {}
    return {"STAGE_ID": stage, **assignment}


def _image(field: str | None) -> tuple[str, str]:
    """The contract's path and ours."""
    return ("Image", "Image") if field is None else ("ImageField/{}", f"ImageField/{segment(field)}")
