"""Every operation of the contract: which function serves it, and the one way in."""

from collections.abc import Callable

from crosswalk.sandbox import verbs
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, render_invalid

Handler = Callable[[Instance, Call], Answer]

# By verb and what follows the resource's path; a resource's own entry (with its key) goes first.
HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", ""): verbs.list_records,
    ("POST", ""): verbs.create_record,
    ("PUT", ""): verbs.update_record,
    ("GET", "/{id}"): verbs.get_record,
    ("PUT", "/{id}"): verbs.update_record,
    ("DELETE", "/{id}"): verbs.delete_record,
    ("DELETE", ""): verbs.delete_record,
    ("GET", "/Search"): verbs.search_records,
    ("GET", "/SearchByTag"): verbs.search_by_tag,
}


def perform(instance: Instance, call: Call) -> Answer:
    """Do what a call asks. Raises `Refusal`."""
    instance.adopt(call.switches)
    suffix = call.operation.path.removeprefix(call.resource.path)
    handler = HANDLERS[call.operation.verb, suffix]
    try:
        return handler(instance, call)
    except Invalid as invalid:
        raise render_invalid(invalid.problems, call.switches) from None
