"""Crosswalk: the self-hosted integration hub for Insightly CRM.

`from crosswalk import Crosswalk` is a client of a hub; `crosswalk.insightly` a client of Insightly itself.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crosswalk.remote import Crosswalk, NotReached, Problem, Resource, WebhookRefused, verify_webhook

__version__ = "0.1.0"
__all__ = ["Crosswalk", "NotReached", "Problem", "Resource", "WebhookRefused", "__version__", "verify_webhook"]


def __getattr__(name: str) -> Any:
    """Load the client when it is asked for: commands start without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crosswalk import remote

    return getattr(remote, name)
