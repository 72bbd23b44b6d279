"""What is served, and that it answers."""

from importlib.metadata import version
from typing import Literal

from litestar import get
from msgspec import Struct


class Pong(Struct, frozen=True):
    """The hub answers."""

    ping: Literal["pong"] = "pong"


class Welcome(Struct, frozen=True):
    """What this is, and where to look next."""

    name: str
    version: str
    serves: tuple[str, ...]
    openapi: str = "/openapi.json"
    docs: str = "/docs"


@get("/ping", summary="Whether the hub answers")
async def ping() -> Pong:
    """Answer pong."""
    return Pong()


@get("/", summary="What is served here")
async def welcome() -> Welcome:
    """Say what this is and where its parts are; nothing of any account is shown here."""
    return describe_hub()


def describe_hub() -> Welcome:
    """What this is."""
    return Welcome("Crosswalk", version("crosswalk"), ("/ping", "/health/live", "/health/ready", "/v1"))
