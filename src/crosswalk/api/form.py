"""How records are answered: which fields, in which form, with the original beside them or not."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter, SkipValidation
from msgspec import UNSET, Struct, UnsetType

from crosswalk.unified.errors import Fault, Refused
from crosswalk.unified.known import JSON
from crosswalk.unified.mapping import Noun
from crosswalk.unified.service import Listing, Shown

Format = Literal["unified", "raw", "normalized", "stream"]
OneFormat = Literal["unified", "raw", "normalized"]

_FORMAT = "`unified`; `raw`, as Insightly has it; `normalized`, without empty fields; lists: `stream`, JSON Lines."
Formatted = Annotated[Format | None, QueryParameter(name="response_format", description=_FORMAT)]
TrutoFormatted = Annotated[
    Format | None, QueryParameter(name="truto_response_format", description="`response_format`, for callers who move.")
]
KeyBy = Annotated[str | None, QueryParameter(description="Make `result` an object with this field's values as keys.")]
TrutoKeyBy = Annotated[str | None, QueryParameter(description="`key_by`, for callers who move.")]
Excluded = Annotated[str | None, QueryParameter(description="Fields to leave out, with commas between.")]
TrutoExcluded = Annotated[str | None, QueryParameter(description="`exclude_fields`, for callers who move.")]
RemoteData = Annotated[bool, QueryParameter(description="Add `remote_data`: the record as Insightly has it.")]


class Meta(Struct, frozen=True, kw_only=True):
    """How a list was made: rows looked through, conditions that Insightly cannot do, calls where they were asked for.

    `partial` says that few rows met the conditions so far: go on with `next_cursor`.
    """

    total: int | None = None
    scanned: int = 0
    filtered_locally: Sequence[str] = ()
    partial: bool = False
    expansions_left_out: int = 0
    calls: list[str] | UnsetType = UNSET


class Envelope(Struct, frozen=True, kw_only=True):
    """A part of a list. `next_cursor` is null at the end; `result` is an object where `key_by` is given."""

    result: list[dict[str, Any]] | dict[str, dict[str, Any]]
    next_cursor: str | None
    prev_cursor: str | None
    result_count: int
    meta: Meta


class Form(Struct, frozen=True, kw_only=True):
    """What was asked for of a record's form."""

    format: Format = "unified"
    key_by: str | None = None
    exclude: tuple[str, ...] = ()
    remote_data: bool = False

    def check(self, noun: Noun) -> None:
        """Raise a 400 for names that the resource does not have; raw records have Insightly's."""
        names = {*noun.row, "remote_data"}
        if self.format == "raw":
            names = set(noun.resource.field)
        asked = [("exclude_fields", name) for name in self.exclude]
        asked += [("key_by", self.key_by)] if self.key_by is not None else []
        faults = [(key, name) for key, name in asked if name not in names]
        if faults:
            raise ValidationException(
                "Unknown fields", extra=[_unknown(key, name, sorted(names), noun) for key, name in faults]
            )

    def one(self, shown: Shown) -> Mapping[str, JSON]:
        """One record."""
        record = shown.remote if self.format == "raw" else shown.record
        if self.format == "normalized":
            record = {name: value for name, value in record.items() if value not in (None, [], {})}
        elif self.remote_data and self.format != "raw":
            record = record | {"remote_data": shown.remote}
        if not self.exclude:
            return record
        return {name: value for name, value in record.items() if name not in self.exclude}

    def many(self, listing: Listing, calls: Sequence[str] | UnsetType = UNSET) -> Envelope:
        """A list's part. Raises `Refused` where `key_by` would lose a record."""
        result = [dict(self.one(shown)) for shown in listing.records]
        keyed = result if self.key_by is None else self._keyed(listing.records, result, self.key_by)
        meta = Meta(
            total=listing.total,
            scanned=listing.scanned,
            filtered_locally=listing.filtered_locally,
            partial=listing.partial,
            expansions_left_out=listing.left_out,
            calls=UNSET if isinstance(calls, UnsetType) else list(calls),
        )
        return Envelope(
            result=keyed,
            next_cursor=listing.next_cursor,
            prev_cursor=listing.prev_cursor,
            result_count=len(result),
            meta=meta,
        )

    def _keyed(
        self, records: Sequence[Shown], result: Sequence[dict[str, JSON]], key: str
    ) -> dict[str, dict[str, JSON]]:
        keyed: dict[str, dict[str, JSON]] = {}
        for shown, record in zip(records, result, strict=True):
            value = (shown.remote if self.format == "raw" else shown.record).get(key)
            if not isinstance(value, str | int) or str(value) in keyed:
                why = f"two records have the {key} {value!r}" if isinstance(value, str | int) else f"{key} is no text"
                detail = f"key_by={key} would lose a record: {why}. Key by id, or leave key_by out"
                raise Refused([Fault(pointer="", code="ambiguous_value", field="key_by", detail=detail)])
            keyed[str(value)] = record
        return keyed


def provide_form(
    response_format: Formatted = None,
    truto_format: TrutoFormatted = None,
    key_by: KeyBy = None,
    truto_key_by: TrutoKeyBy = None,
    exclude_fields: Excluded = None,
    truto_exclude_fields: TrutoExcluded = None,
    remote_data: RemoteData = False,  # noqa: FBT002 (a query parameter)
) -> Form:
    """The form that a list's request asks for."""
    text = exclude_fields or truto_exclude_fields or ""
    return Form(
        format=response_format or truto_format or "unified",
        key_by=key_by or truto_key_by,
        exclude=tuple(name for each in text.split(",") if (name := each.strip())),
        remote_data=remote_data,
    )


_ONE = Annotated[
    OneFormat | None, QueryParameter(name="response_format", description="`unified`, `raw`, `normalized`.")
]
_TRUTO_ONE = Annotated[
    OneFormat | None, QueryParameter(name="truto_response_format", description="`response_format`, for who moves.")
]


def provide_one_form(
    response_format: _ONE = None,
    truto_format: _TRUTO_ONE = None,
    exclude_fields: Excluded = None,
    truto_exclude_fields: TrutoExcluded = None,
    remote_data: RemoteData = False,  # noqa: FBT002 (a query parameter)
) -> Form:
    """The form that a request for one record asks for."""
    return provide_form(response_format, truto_format, None, None, exclude_fields, truto_exclude_fields, remote_data)


def _unknown(key: str, name: str, names: Sequence[str], noun: Noun) -> Mapping[str, str]:
    near = get_close_matches(name, names, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"it has {', '.join(names)}"
    return {"key": key, "message": f"{noun.name} have no field {name}; {hint}", "source": "query"}


KnownForm = NamedDependency[SkipValidation[Form]]
