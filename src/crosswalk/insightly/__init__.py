"""A typed, asynchronous client of Insightly's API v3.1: `async with Insightly(key, pod="na1") as crm: ...`."""

from msgspec import UNSET

from crosswalk.insightly.activity_sets import Activity, ActivityAssignment, ActivitySet, ActivitySetAssignment
from crosswalk.insightly.articles import KnowledgeArticle, KnowledgeArticleCategory, KnowledgeArticleFolder
from crosswalk.insightly.call import Answer, Call, Fault
from crosswalk.insightly.changes import Changes, Mark
from crosswalk.insightly.children import Children
from crosswalk.insightly.client import Insightly
from crosswalk.insightly.community import CommunityComment, CommunityForum, CommunityPost, ForumCategory
from crosswalk.insightly.contacts import Contact, Date
from crosswalk.insightly.custom_fields import CustomField, FieldTypes
from crosswalk.insightly.custom_objects import CustomObject, CustomObjectRecord
from crosswalk.insightly.emails import Email, LinkEmailAddress
from crosswalk.insightly.errors import (
    BadAnswer,
    BadRequest,
    DailyQuotaSpent,
    FieldFault,
    Forbidden,
    HostRefused,
    InsightlyError,
    InUse,
    KeyRefused,
    Later,
    LimitReached,
    NoAnswer,
    NotConnected,
    NotDone,
    NotFound,
    NotOffered,
    NotServed,
    PageOrder,
    RateLimited,
    Redirected,
    Refused,
    ResponseUnknown,
    StaleRecord,
    UnknownField,
    WrongUse,
)
from crosswalk.insightly.events import Event
from crosswalk.insightly.files import DocumentTemplate, FileAttachment, FileCategory
from crosswalk.insightly.instance import Country, Currency, Instance
from crosswalk.insightly.leads import Lead, LeadSource, LeadStatus
from crosswalk.insightly.links import Link, Relationship, Tag
from crosswalk.insightly.notes import Comment, Note
from crosswalk.insightly.one import One
from crosswalk.insightly.opportunities import (
    Opportunity,
    OpportunityCategory,
    OpportunityLineItem,
    OpportunityState,
    OpportunityStateReason,
)
from crosswalk.insightly.organisations import EmailDomain, Organisation
from crosswalk.insightly.pace import Seen
from crosswalk.insightly.pacer import Pacer, Slot, Turns
from crosswalk.insightly.pipelines import Pipeline, PipelineStage
from crosswalk.insightly.products import Pricebook, PricebookEntry, Product
from crosswalk.insightly.projects import Milestone, Project, ProjectCategory
from crosswalk.insightly.prospects import MarketingCustomEvent, MarketingVisit, Prospect
from crosswalk.insightly.quotations import Quotation, QuotationDocument, QuotationLineItem
from crosswalk.insightly.record import Record
from crosswalk.insightly.resource import Resource
from crosswalk.insightly.tasks import Task, TaskCategory
from crosswalk.insightly.tickets import Ticket, TicketComment
from crosswalk.insightly.users import ObjectPermissions, Permissions, Team, TeamMember, User

__all__ = [
    "UNSET",
    "Activity",
    "ActivityAssignment",
    "ActivitySet",
    "ActivitySetAssignment",
    "Answer",
    "BadAnswer",
    "BadRequest",
    "Call",
    "Changes",
    "Children",
    "Comment",
    "CommunityComment",
    "CommunityForum",
    "CommunityPost",
    "Contact",
    "Country",
    "Currency",
    "CustomField",
    "CustomObject",
    "CustomObjectRecord",
    "DailyQuotaSpent",
    "Date",
    "DocumentTemplate",
    "Email",
    "EmailDomain",
    "Event",
    "Fault",
    "FieldFault",
    "FieldTypes",
    "FileAttachment",
    "FileCategory",
    "Forbidden",
    "ForumCategory",
    "HostRefused",
    "InUse",
    "Insightly",
    "InsightlyError",
    "Instance",
    "KeyRefused",
    "KnowledgeArticle",
    "KnowledgeArticleCategory",
    "KnowledgeArticleFolder",
    "Later",
    "Lead",
    "LeadSource",
    "LeadStatus",
    "LimitReached",
    "Link",
    "LinkEmailAddress",
    "Mark",
    "MarketingCustomEvent",
    "MarketingVisit",
    "Milestone",
    "NoAnswer",
    "NotConnected",
    "NotDone",
    "NotFound",
    "NotOffered",
    "NotServed",
    "Note",
    "ObjectPermissions",
    "One",
    "Opportunity",
    "OpportunityCategory",
    "OpportunityLineItem",
    "OpportunityState",
    "OpportunityStateReason",
    "Organisation",
    "Pacer",
    "PageOrder",
    "Permissions",
    "Pipeline",
    "PipelineStage",
    "Pricebook",
    "PricebookEntry",
    "Product",
    "Project",
    "ProjectCategory",
    "Prospect",
    "Quotation",
    "QuotationDocument",
    "QuotationLineItem",
    "RateLimited",
    "Record",
    "Redirected",
    "Refused",
    "Relationship",
    "Resource",
    "ResponseUnknown",
    "Seen",
    "Slot",
    "StaleRecord",
    "Tag",
    "Task",
    "TaskCategory",
    "Team",
    "TeamMember",
    "Ticket",
    "TicketComment",
    "Turns",
    "UnknownField",
    "User",
    "WrongUse",
]
