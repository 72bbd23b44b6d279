"""Accounts: the companies that an account of Insightly calls organisations."""

from crosswalk.unified.dates import ACTIVITY, ETAG, LINKS, OWNER, STAMPS, VISIBILITY
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Absent, Custom, Plain
from crosswalk.unified.parts import Addresses, Dated, Listed, Several, Tags
from crosswalk.unified.people import SOCIAL

ACCOUNTS = Noun(
    name="accounts",
    wire="Organisations",
    object="Organisation",
    match=("name", "email_domains"),
    rows=(
        Plain(name="id", field="ORGANISATION_ID", kind="id", writes=False),
        Plain(name="name", field="ORGANISATION_NAME", required=True),
        OWNER,
        Plain(name="description", field="BACKGROUND"),
        Absent(name="industry"),
        Absent(name="number_of_employees"),
        Addresses(name="addresses", items=(("billing", "ADDRESS_BILLING_"), ("shipping", "ADDRESS_SHIP_"))),
        Several(name="phone_numbers", key="number", items=(("work", "PHONE"), ("fax", "PHONE_FAX"))),
        Several(name="urls", key="url", items=(("website", "WEBSITE"), *SOCIAL)),
        Plain(name="website", field="WEBSITE"),
        Plain(name="image_url", field="IMAGE_URL"),
        Listed(name="email_domains", field="EMAILDOMAINS", key="EMAIL_DOMAIN"),
        Tags(),
        Dated(),
        Linked(name="contact", object="Contact"),
        Linked(name="opportunity", object="Opportunity"),
        Linked(name="project", object="Project"),
        LINKS,
        Custom(),
        *ACTIVITY,
        *VISIBILITY,
        *STAMPS,
        ETAG,
    ),
)
