"""The contested behaviours: each a switch whose default is the better-attested side.

Both sides, and who attests them, stand in `contract/facts.json`; docs/sandbox.md lists them.
"""

from typing import Literal

from msgspec import Struct


class Switches(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the sandbox behaves where sources conflict. Change by `PUT /_sandbox/switches`."""

    post_status: Literal[201, 200] = 201
    put_status: Literal[200, 201] = 200
    put_effect: Literal["partial", "replacing"] = "partial"
    custom_fields_effect: Literal["merging", "replacing"] = "merging"
    custom_fields_listed: Literal["valued", "all"] = "valued"
    updated_after: Literal["exclusive", "inclusive"] = "exclusive"
    updated_after_on_list: Literal["ignored", "honoured"] = "ignored"
    search_by_unknown_tag: Literal["empty", "not_found"] = "empty"
    brief: Literal["dropping", "emptying"] = "dropping"
    etag: Literal["present", "absent"] = "present"
    if_match_stale: Literal[400, 412] = 400
    error_400: Literal["array", "object", "text"] = "array"
    retry_after: Literal["present", "absent"] = "present"
    rate_window: Literal["rolling", "fixed"] = "rolling"
    rate_scope: Literal["instance", "key"] = "instance"
    rate_refused: Literal["free", "counted"] = "free"
    rate_reset: Literal["midnight", "first_call"] = "midnight"
    bare_host: Literal["refused", "served"] = "refused"
    bulk: Literal["absent", "present"] = "absent"
