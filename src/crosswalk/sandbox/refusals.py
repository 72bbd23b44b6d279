"""What the records refuse, each in the shape that was recorded for it (sources: contract/facts.json, `error_*`)."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from crosswalk.sandbox.call import TEXT_TYPE, Answer, Refusal
from crosswalk.sandbox.switches import Switches


class Invalid(Exception):
    """A body or a parameter does not fit: (name, message) for each thing that is wrong."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in problems))
        self.problems = problems


def refuse(status: int, text: str = "", *, reason: str | None = None) -> Refusal:
    """Refuse with plain text, as 403, 404, 409 and 417 were recorded."""
    return Refusal(Answer(status, text.encode(), TEXT_TYPE if text else None, reason=reason))


def missing(record: str, number: object) -> Refusal:
    """Refuse because no such record exists: `No Lead with ID = 830626`, reason `Lead Not Found` (S8, S34)."""
    return refuse(404, f"No {record} with ID = {number}", reason=f"{record} Not Found")


def forbidden(resource: str) -> Refusal:
    """Refuse because this user may not: `API User does not have access to …` (S3)."""
    return refuse(403, f"API User does not have access to {resource}.")


def conflict(text: str) -> Refusal:
    """Refuse because the record is in use, already inactive, or the last one."""
    return refuse(409, text)


def failed() -> Refusal:
    """Refuse as a failed deletion or upload: 417 without a body (S8)."""
    return refuse(417)


def render_invalid(problems: Sequence[tuple[str, str]], switches: Switches) -> Refusal:
    """Render 400 in the shape that the `error_400` switch asks for."""
    match switches.error_400:
        case "array":
            body: object = [{"Name": name, "Message": message} for name, message in problems]
        case "object":
            body = {"Message": "The request is invalid.", "ModelState": _by_name(problems)}
        case "text":
            return refuse(400, "\n".join(f"{name}: {message}" for name, message in problems))
        case _:
            assert_never(switches.error_400)
    return Refusal(Answer(400, msgspec.json.encode(body)))


def _by_name(problems: Sequence[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, message in problems:
        found.setdefault(name, []).append(message)
    return found
