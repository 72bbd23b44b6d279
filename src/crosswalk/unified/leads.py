"""Leads: people who may become contacts. A lead names its company in plain text."""

from crosswalk.unified.dates import ACTIVITY, ASSIGNEE, ETAG, LINKS, OWNER, STAMPS, VISIBILITY
from crosswalk.unified.mapping import Default, Noun
from crosswalk.unified.maps import Absent, Custom, Plain, Ref
from crosswalk.unified.parts import Addresses, Several, Tags
from crosswalk.unified.people import NAME
from crosswalk.unified.stage_moves import pipeline_rows

LEADS = Noun(
    name="leads",
    wire="Leads",
    object="Lead",
    match=("email_addresses",),
    defaults=(
        Default(field="LEAD_SOURCE_ID", reference="lead_sources", flag="DEFAULT_VALUE"),
        Default(field="LEAD_STATUS_ID", reference="lead_statuses", flag="DEFAULT_STATUS"),
    ),
    rows=(
        Plain(name="id", field="LEAD_ID", kind="id", writes=False),
        NAME,
        Plain(name="salutation", field="SALUTATION"),
        Plain(name="first_name", field="FIRST_NAME"),
        Plain(name="last_name", field="LAST_NAME", required=True),
        Plain(name="title", field="TITLE", note="the job title"),
        Plain(name="company", field="ORGANISATION_NAME", note="plain text, no record"),
        Several(name="email_addresses", key="email", items=(("work", "EMAIL"),)),
        Several(name="phone_numbers", key="number", items=(("work", "PHONE"), ("mobile", "MOBILE"), ("fax", "FAX"))),
        Addresses(name="addresses", items=(("work", "ADDRESS_"),)),
        Several(name="urls", key="url", items=(("website", "WEBSITE"),)),
        Ref(name="lead_source", field="LEAD_SOURCE_ID", reference="lead_sources"),
        Ref(name="status", field="LEAD_STATUS_ID", reference="lead_statuses"),
        Absent(name="lead_type"),
        Absent(name="contact", note="a lead has none before it is converted: see converted_contact"),
        Absent(name="account", note="a lead has none before it is converted: see company and converted_account"),
        OWNER,
        ASSIGNEE,
        Plain(name="description", field="LEAD_DESCRIPTION"),
        Plain(name="industry", field="INDUSTRY"),
        Plain(name="number_of_employees", field="EMPLOYEE_COUNT", kind="integer"),
        Plain(name="rating", field="LEAD_RATING", kind="integer"),
        Plain(name="email_opted_out", field="EMAIL_OPTED_OUT", kind="boolean"),
        Plain(name="image_url", field="IMAGE_URL", writes=False),
        *pipeline_rows(shown=False),
        Plain(name="is_converted", field="CONVERTED", kind="boolean", writes=False),
        Plain(name="converted_at", field="CONVERTED_DATE_UTC", kind="moment", writes=False),
        Ref(name="converted_contact", field="CONVERTED_CONTACT_ID", object="Contact", writes=False),
        Ref(name="converted_account", field="CONVERTED_ORGANISATION_ID", object="Organisation", writes=False),
        Ref(name="converted_opportunity", field="CONVERTED_OPPORTUNITY_ID", object="Opportunity", writes=False),
        Plain(name="linked_email", field="LINKED_EMAIL_ADDRESS", writes=False),
        Tags(),
        LINKS,
        Custom(),
        *ACTIVITY,
        *VISIBILITY,
        *STAMPS,
        ETAG,
    ),
)
