"""How a command ends: one line for what went wrong, and the status that scripts go by."""

import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from crosswalk.cli.witness import is_audited, witness

DONE, SOME_FAILED = 0, 1
T = TypeVar("T")


class WrongUse(click.ClickException):
    """The command, or the configuration, asks for something that cannot be."""

    exit_code = 2


class NotReached(click.ClickException):
    """Insightly or the database could not be reached, or refused."""

    exit_code = 3


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors of the rooms into one line and a status; a fault of our own stays a traceback."""
    from crosswalk.accounts.errors import AccountError, CredentialRefused, InsightlySilent
    from crosswalk.automations.errors import AutomationError
    from crosswalk.automations.event_errors import EventError
    from crosswalk.config import Misconfigured
    from crosswalk.delivery.errors import DeliveryError, unwrapped
    from crosswalk.insightly import errors as insightly
    from crosswalk.outgoing.errors import OutgoingError
    from crosswalk.store.errors import DatabaseUnreachable, StoreError
    from crosswalk.unified.errors import UnifiedError
    from crosswalk.unified.value import Unfit

    try:
        with unwrapped():
            yield
    except (CredentialRefused, InsightlySilent, DatabaseUnreachable) as exc:
        raise NotReached(str(exc)) from exc
    except (Misconfigured, AccountError, DeliveryError, OutgoingError, StoreError, insightly.WrongUse) as exc:
        raise WrongUse(str(exc)) from exc
    except (AutomationError, EventError, UnifiedError, Unfit) as exc:
        raise WrongUse(str(exc)) from exc
    except insightly.InsightlyError as exc:
        raise NotReached(str(exc)) from exc


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end, its errors explained; what changes something is written in the audit log."""
    with explained():
        return loop_through(_witnessed(work))


def loop_through(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end in the event loop that also serves."""
    import uvloop

    return uvloop.run(work)


async def _witnessed(work: Coroutine[Any, Any, T]) -> T:
    result = await work
    context = click.get_current_context(silent=True)
    if context is not None and is_audited(context):
        await witness(context)
    return result


def tell_removed(found_id: str, name: str, *, as_json: bool, also: str = "") -> None:
    """Say that something is gone, and what `also` follows."""
    if as_json:
        print_json({"id": found_id, "name": name, "removed": True})
    else:
        click.echo(f"Removed {name} ({found_id}){also}.")


def print_json(value: object) -> None:
    """Print one JSON value for a program to read."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()
