"""What a unified call may be refused for. Pure.

UnifiedError
    UnknownNoun     no unified resource has this name
    Unservable      Insightly cannot do this verb for this resource
    Refused         the body holds what Insightly cannot take, each thing as a `Fault`
    MappingTaken    somebody else saved overrides since they were read
    UnknownVersion  overrides have no version of this number
    MappingBroken   overrides that were saved work no longer
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

FaultCode = Literal[
    "unknown_field",
    "read_only",
    "required",
    "wrong_type",
    "too_long",
    "out_of_range",
    "unknown_value",
    "ambiguous_value",
    "unsupported_multiplicity",
    "unsupported_type",
    "note_parent_required",
    "picklist_dependency_violation",
    "stage_without_pipeline",
]


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing in a body that Insightly cannot take. `pointer` is of RFC 6901, `near` are values that would do."""

    pointer: str
    code: FaultCode
    detail: str
    field: str | None = None
    native_field: str | None = None
    near: tuple[str, ...] = ()


class UnifiedError(Exception):
    """A unified call that cannot be made."""


class UnknownNoun(UnifiedError):
    """No unified resource has this name."""


class Unservable(UnifiedError):
    """Insightly cannot do this verb for this resource."""


class Refused(UnifiedError):
    """The body holds what Insightly cannot take."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = tuple(faults)


class MappingTaken(UnifiedError):
    """Somebody else saved overrides since they were read."""


class UnknownVersion(UnifiedError):
    """Overrides have no version of this number."""


class MappingBroken(UnifiedError):
    """Overrides that were saved work no longer: nothing is read or written by them."""
