"""Contacts: people that an account works with."""

from crosswalk.unified.dates import ACTIVITY, ETAG, LINKS, OWNER, STAMPS, VISIBILITY
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Custom, Plain, Ref
from crosswalk.unified.parts import Addresses, Dated, Several, Tags
from crosswalk.unified.people import NAME, SOCIAL

CONTACTS = Noun(
    name="contacts",
    wire="Contacts",
    object="Contact",
    match=("email_addresses",),
    rows=(
        Plain(name="id", field="CONTACT_ID", kind="id", writes=False),
        NAME,
        Plain(name="salutation", field="SALUTATION"),
        Plain(name="first_name", field="FIRST_NAME", required=True),
        Plain(name="last_name", field="LAST_NAME"),
        Plain(name="title", field="TITLE", note="the job title"),
        Ref(name="account", field="ORGANISATION_ID", object="Organisation"),
        Several(name="email_addresses", key="email", items=(("work", "EMAIL_ADDRESS"),)),
        Several(
            name="phone_numbers",
            key="number",
            items=(
                ("work", "PHONE"),
                ("home", "PHONE_HOME"),
                ("mobile", "PHONE_MOBILE"),
                ("other", "PHONE_OTHER"),
                ("assistant", "PHONE_ASSISTANT"),
                ("fax", "PHONE_FAX"),
            ),
        ),
        Addresses(name="addresses", items=(("mailing", "ADDRESS_MAIL_"), ("other", "ADDRESS_OTHER_"))),
        Several(name="urls", key="url", items=SOCIAL),
        OWNER,
        Plain(name="background", field="BACKGROUND"),
        Plain(name="date_of_birth", field="DATE_OF_BIRTH", kind="day"),
        Plain(name="assistant_name", field="ASSISTANT_NAME"),
        Plain(name="email_opted_out", field="EMAIL_OPTED_OUT", kind="boolean"),
        Plain(name="image_url", field="IMAGE_URL", writes=False),
        Tags(),
        Dated(),
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
