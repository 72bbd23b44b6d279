"""Which struct each record and shape of the contract is read into: the nouns, as one table."""

from collections.abc import Mapping

from crosswalk.insightly.activity_sets import Activity, ActivityAssignment, ActivitySet, ActivitySetAssignment
from crosswalk.insightly.articles import KnowledgeArticle, KnowledgeArticleCategory, KnowledgeArticleFolder
from crosswalk.insightly.community import CommunityComment, CommunityForum, CommunityPost, ForumCategory
from crosswalk.insightly.contacts import Contact, Date
from crosswalk.insightly.custom_fields import (
    CustomField,
    CustomFieldDependency,
    CustomFieldOption,
    CustomFieldOptionsFilter,
)
from crosswalk.insightly.custom_objects import CustomObject, CustomObjectRecord
from crosswalk.insightly.emails import Email, LinkEmailAddress
from crosswalk.insightly.events import Event
from crosswalk.insightly.files import DocumentTemplate, FileAttachment, FileCategory
from crosswalk.insightly.instance import Country, Currency, Instance
from crosswalk.insightly.leads import Lead, LeadSource, LeadStatus
from crosswalk.insightly.links import Follow, Following, Link, Relationship, Tag
from crosswalk.insightly.notes import Comment, Note
from crosswalk.insightly.opportunities import (
    Opportunity,
    OpportunityCategory,
    OpportunityLineItem,
    OpportunityState,
    OpportunityStateReason,
    PricebookChange,
)
from crosswalk.insightly.organisations import EmailDomain, Organisation
from crosswalk.insightly.pipelines import Pipeline, PipelineChange, PipelineStage, PipelineStageChange
from crosswalk.insightly.products import Pricebook, PricebookEntry, Product
from crosswalk.insightly.projects import Milestone, Project, ProjectCategory
from crosswalk.insightly.prospects import MarketingCustomEvent, MarketingVisit, Prospect, StaticListMembership
from crosswalk.insightly.quotations import Quotation, QuotationDocument, QuotationLineItem
from crosswalk.insightly.record import Record
from crosswalk.insightly.tasks import Task, TaskCategory
from crosswalk.insightly.tickets import Ticket, TicketComment, TicketMerge
from crosswalk.insightly.users import ObjectPermissions, Permissions, Team, TeamMember, User

_NAMED: tuple[type[Record], ...] = (
    Activity, ActivityAssignment, ActivitySet, ActivitySetAssignment, Comment, CommunityComment, CommunityForum,
    CommunityPost, Contact, Country, Currency, CustomField, CustomFieldDependency, CustomFieldOption,
    CustomFieldOptionsFilter, CustomObject, CustomObjectRecord, Date, DocumentTemplate, Email, EmailDomain, Event,
    FileAttachment, FileCategory, Follow, Following, ForumCategory, Instance, KnowledgeArticle,
    KnowledgeArticleCategory, KnowledgeArticleFolder, Lead, LeadSource, LeadStatus, Link, LinkEmailAddress,
    MarketingCustomEvent, MarketingVisit, Milestone, Note, ObjectPermissions, Opportunity, OpportunityCategory,
    OpportunityLineItem, OpportunityState, OpportunityStateReason, Organisation, Permissions, Pipeline, PipelineChange,
    PipelineStage, PipelineStageChange, Pricebook, PricebookChange, PricebookEntry, Product, Project, ProjectCategory,
    Prospect, Quotation, QuotationDocument, QuotationLineItem, Relationship, StaticListMembership, Tag, Task,
    TaskCategory, Team, TeamMember, Ticket, TicketComment, TicketMerge, User,
)  # fmt: skip

KINDS: Mapping[str, type[Record]] = {
    **{kind.__name__: kind for kind in _NAMED},
    # bodies of children: the same fields as the records that they become
    "OpportunityLineItemBody": OpportunityLineItem,
    "PricebookEntryBody": PricebookEntry,
    "QuotationLineItemBody": QuotationLineItem,
}
"""The contract's name of a record or shape to its struct."""
