"""Every operation of the contract: which function serves it, and the one way in."""

from collections.abc import Callable, Mapping
from functools import cache

from crosswalk.contract import load
from crosswalk.sandbox import (
    activity_sets,
    bulk,
    categories,
    children,
    dates,
    document_templates,
    files,
    follows,
    images,
    lead_settings,
    linked,
    mailboxes,
    notes,
    opportunities,
    pipelines,
    prospects,
    quotations,
    settings,
    tags,
    teams,
    tickets,
    translations,
    verbs,
)
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, render_invalid

Handler = Callable[[Instance, Call], Answer]

# By verb and by what follows the resource's path.
COMMON: Mapping[tuple[str, str], Handler] = {
    ("GET", ""): verbs.list_records,
    ("POST", ""): verbs.create_record,
    ("PUT", ""): verbs.update_record,
    ("GET", "/{id}"): verbs.get_record,
    ("DELETE", "/{id}"): verbs.delete_record,
    ("GET", "/Search"): verbs.search_records,
    ("GET", "/SearchByTag"): verbs.search_by_tag,
    ("POST", "/Bulk"): bulk.create_many,
    ("POST", "/{id}/ActivitySetAssignment"): activity_sets.assign_activity_set,
    ("GET", "/{id}/Dates"): dates.list_parts,
    ("PUT", "/{id}/Dates"): dates.put_parts,
    ("GET", "/{id}/EmailDomains"): dates.list_parts,
    ("PUT", "/{id}/EmailDomains"): dates.put_parts,
    ("GET", "/{id}/Emails"): linked.list_linked,
    ("GET", "/{id}/Events"): linked.list_linked,
    ("GET", "/{id}/Notes"): linked.list_linked,
    ("GET", "/{id}/Tasks"): linked.list_linked,
    ("POST", "/{id}/Notes"): notes.create_note,
    ("PUT", "/{id}/Notes"): notes.update_note,
    ("GET", "/{id}/Links"): linked.list_links,
    ("POST", "/{id}/Links"): linked.add_link,
    ("PUT", "/{id}/Links"): linked.put_link,
    ("DELETE", "/{id}/Links/{linkId}"): linked.remove_link,
    ("GET", "/{id}/Tags"): tags.list_tags,
    ("PUT", "/{id}/Tags"): tags.put_tags,
    ("POST", "/{id}/Tags"): tags.add_tag,
    ("DELETE", "/{id}/Tags"): tags.remove_tag,
    ("GET", "/{id}/Follow"): follows.get_follow,
    ("POST", "/{id}/Follow"): follows.add_follow,
    ("DELETE", "/{id}/Follow"): follows.remove_follow,
    ("GET", "/{id}/FileAttachments"): files.list_files,
    ("POST", "/{id}/FileAttachments"): files.upload_file,
    ("GET", "/{id}/Image"): images.get_image,
    ("DELETE", "/{id}/Image"): images.delete_image,
    ("PUT", "/{id}/Image/{filename}"): images.put_image,
    ("GET", "/{id}/ImageField/{fieldName}"): images.get_image,
    ("DELETE", "/{id}/ImageField/{fieldName}"): images.delete_image,
    ("PUT", "/{id}/ImageField/{fieldName}/{fileName}"): images.put_image,
    ("GET", "/{id}/LinkEmailAddress"): mailboxes.get_mailbox,
    ("POST", "/{id}/MergeDocument/{documentTemplateId}"): document_templates.merge_document,
    ("PUT", "/{id}/Pipeline"): pipelines.change_pipeline,
    ("DELETE", "/{id}/Pipeline"): pipelines.leave_pipeline,
    ("PUT", "/{id}/PipelineStage"): pipelines.change_stage,
    ("PUT", "/{id}/StateChange"): opportunities.change_state,
    ("GET", "/{id}/StateHistory"): opportunities.list_states,
    ("PUT", "/{id}/Pricebook"): opportunities.change_pricebook,
    ("GET", "/{id}/Translations/{language}"): translations.get_translation,
    ("POST", "/{id}/Translations/{language}"): translations.add_translation,
    ("PUT", "/{id}/Translations/{language}"): translations.put_translation,
    ("POST", "/{id}/TeamMembers"): teams.add_member,
    ("DELETE", "/{id}/TeamMembers/{permissionId}"): teams.remove_member,
    ("POST", "/{id}/Merge"): tickets.merge,
    ("PUT", "/{id}/Sync"): quotations.sync,
    ("GET", "/{id}/StaticListMembership"): prospects.list_memberships,
    ("PUT", "/{id}/StaticListMembership"): prospects.put_memberships,
    ("POST", "/{id}/StaticListMembership"): prospects.add_membership,
    ("DELETE", "/{id}/StaticListMembership"): prospects.remove_membership,
}
CHILD_VERBS: Mapping[str, Handler] = {
    "GET": children.list_children,
    "POST": children.create_child,
    "PUT": children.update_child,
    "DELETE": children.delete_child,
}
# By verb and whole path, where a resource goes its own way.
OWN: Mapping[tuple[str, str], Handler] = {
    ("DELETE", "/FileCategories/{id}"): categories.deactivate,
    ("DELETE", "/OpportunityCategories/{id}"): categories.deactivate,
    ("DELETE", "/ProjectCategories/{id}"): categories.deactivate,
    ("DELETE", "/TaskCategories/{id}"): categories.deactivate,
    ("DELETE", "/LeadSources"): lead_settings.delete_setting,
    ("DELETE", "/LeadStatuses"): lead_settings.delete_setting,
    ("GET", "/LeadStatuses"): lead_settings.list_statuses,
    ("GET", "/FileAttachments/{id}"): files.download_file,
    ("GET", "/Follows"): follows.list_follows,
    ("GET", "/Tags"): tags.list_known_tags,
    ("GET", "/Instance"): settings.get_instance,
    ("GET", "/Users/Me"): settings.get_me,
    ("GET", "/Permissions"): settings.get_permissions,
    ("GET", "/CustomFields/{objectName}"): settings.list_custom_fields,
    ("GET", "/CustomFields/{objectName}/Search"): settings.find_custom_field,
    ("GET", "/CustomObjects/{customObjectName}"): settings.get_custom_object,
    ("POST", "/cti/user/{user_id}/{object_name}/{record_id}/display"): settings.display_record,
    ("POST", "/cti/user/{user_id}/tickets/{ticket_id}/display"): settings.display_record,
    ("POST", "/MarketingCustomEvent"): prospects.record_event,
}


@cache
def handlers() -> Mapping[tuple[str, str], Handler]:
    """Give the function of every operation, by verb and path. Raises `KeyError` for an operation that nobody serves."""
    contract = load()
    routes = [(r, o) for r in contract.resources.values() for o in r.operations] + list(bulk.BULK)
    found: dict[tuple[str, str], Handler] = {}
    for resource, operation in routes:
        verb, suffix = operation.verb, operation.path.removeprefix(resource.path)
        segment = suffix.removeprefix("/{id}/").partition("/")[0]
        own = OWN.get((verb, operation.path))
        child = CHILD_VERBS[verb] if (resource.key, segment) in children.CHILDREN else None
        found[verb, operation.path] = own or child or COMMON[verb, suffix]
    return found


def perform(instance: Instance, call: Call) -> Answer:
    """Do what a call asks. Raises `Refusal`."""
    instance.adopt(call.switches)
    try:
        return handlers()[call.operation.verb, call.operation.path](instance, call)
    except Invalid as invalid:
        raise render_invalid(invalid.problems, call.switches) from None
