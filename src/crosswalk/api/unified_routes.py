"""Every route below `/unified`, behind the guard."""

from litestar.di import Provide

from crosswalk.api import batch, fields, lookup
from crosswalk.api.asking import provide_asking
from crosswalk.api.directory import directory_routes
from crosswalk.api.guard import provide_caller, require_token
from crosswalk.api.once import Once
from crosswalk.api.unified import collection
from crosswalk.unified.nouns import CRM


def unified_router() -> Once:
    """The unified CRM API and the user directory."""
    crm = Once("/crm", route_handlers=[collection(noun) for noun in CRM.values()])
    return Once(
        "/unified",
        route_handlers=[crm, fields.ROUTES, lookup.show_lookup, batch.make_batch, directory_routes()],
        guards=[require_token],
        dependencies={
            "caller": Provide(provide_caller, sync_to_thread=False),
            "asking": Provide(provide_asking, sync_to_thread=False),
        },
    )
