"""One request about mapping overrides: who asks, what it may see and change, and the line of the audit log."""

from collections.abc import Mapping
from datetime import UTC, datetime

from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException, ValidationException
from litestar.params import SkipValidation
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts import audit
from crosswalk.accounts.scopes import Scope
from crosswalk.accounts.tokens import Caller
from crosswalk.api.asking import MAX_WAIT, Asking, Backing, unknown
from crosswalk.api.body import ApiRequest
from crosswalk.insightly.custom_fields import FieldTypes
from crosswalk.insightly.errors import Forbidden, NotFound
from crosswalk.unified.custom import CUSTOM
from crosswalk.unified.known import JSON
from crosswalk.unified.mapping import Noun
from crosswalk.unified.mappings import Also, Draft, Mappings, Spot, Version, Whose
from crosswalk.unified.nouns import MAPPED, find_noun
from crosswalk.unified.overrides import Layer, Override
from crosswalk.unified.references import MAX_AGE


def lacking(key: str, message: str) -> ValidationException:
    """A 400 that names a parameter which is needed."""
    return ValidationException("A parameter is missing", extra=[{"key": key, "message": message, "source": "query"}])


class Desk:
    """One request about mappings: who asks, and what it may see and change."""

    def __init__(self, backing: Backing, caller: Caller, ip: str | None) -> None:
        self.backing = backing
        self.caller = caller
        self.ip = ip

    @property
    def mappings(self) -> Mappings:
        """The saved overrides."""
        return self.backing.mappings

    def asking(self, account: str) -> Asking:
        """A request about an account's records."""
        return Asking(backing=self.backing, account=account, max_wait=MAX_WAIT, max_age=MAX_AGE, explain=False)

    async def whose(self, account: str) -> Whose:
        """The account, where the token reaches it. Raises `UnknownAccount`, as for one that is not there."""
        if not self.caller.may_use(account):
            raise unknown(account)
        return await self.asking(account).whose()

    def refuse_unread(self, resource: str) -> None:
        """Raise a 403 where the token may not read the resource's records."""
        api, _, name = resource.rpartition(".")
        wanted = Scope("unified", (api or "crm", name), "read")
        if not self.caller.may(wanted):
            raise PermissionDeniedException(f"Token {self.caller.name} lacks the scope {wanted}, to see records")

    async def place(
        self, verb: str, layer: Layer, resource: str, tenant: str | None, account: str | None
    ) -> tuple[Spot, Whose | None]:
        """Where the overrides are, and the account that was named. Raises a 403 for what is not the token's to see."""
        find_noun(resource, MAPPED)
        whose = None if account is None else await self.whose(account)
        if layer == "account":
            if whose is None:
                raise lacking("integrated_account_id", "the account layer is an account's; name it")
            return Spot(layer, whose.account, resource), whose
        wanted = Scope("admin", ("mappings",), verb)
        if not self.caller.may(wanted) or self.caller.accounts is not None:
            raise PermissionDeniedException(
                f"The {layer} layer is every account's: a token needs the scope {wanted} and no account of its own"
            )
        if layer == "base":
            return Spot(layer, "", resource), whose
        subject = tenant or (whose.tenant if whose else None)
        if subject is None:
            raise lacking("tenant_id", "an environment is a tenant's; name the tenant, or an account that has one")
        return Spot(layer, subject, resource), whose

    async def draft(
        self, spot: Spot, overrides: dict[str, Override], whose: Whose | None, seen: int | None = None
    ) -> Draft:
        """A draft by whoever asks; an account's custom fields are looked at where an account is named."""
        custom = None if whose is None else await self._custom(find_noun(spot.resource, MAPPED), whose)
        by = f"token {self.caller.name}"
        return Draft(spot=spot, overrides=overrides, by=by, seen=seen, whose=whose, custom=custom)

    async def _custom(self, noun: Noun, whose: Whose) -> FieldTypes | None:
        """The account's custom fields of a resource; `None` where its plan, or its user, does not see the resource."""
        if CUSTOM not in noun.resource.field:
            return None
        async with self.asking(whose.account).open() as asker:
            try:
                known, _ = await self.backing.service.learn(asker, noun, ["custom_fields"])
            except (Forbidden, NotFound):
                return None
        return known.custom

    def note(self, action: str, **detail: JSON) -> Also:
        """The audit line that is written with a version, or not at all."""

        async def write(connection: AsyncConnection, version: Version) -> None:
            spot = version.spot
            told: Mapping[str, JSON] = {
                "layer": spot.layer, "subject": spot.subject, "version": version.number,
                "fields": " ".join(sorted(version.overrides)), **detail,
            }  # fmt: skip
            act = audit.Act(
                actor=f"token {self.caller.name}",
                action=action,
                object=f"{spot.layer} {spot.resource}",
                ip=self.ip,
                account_id=spot.subject if spot.layer == "account" else None,
                detail=told,
            )
            await audit.append(connection, act, at=datetime.now(UTC))

        return write


def provide_desk(request: ApiRequest, caller: NamedDependency[SkipValidation[Caller]]) -> Desk:
    """The mappings of the accounts that the token reaches."""
    ip = request.client.host if request.client else None
    return Desk(request.app.state.backing, caller, ip)


KnownDesk = NamedDependency[SkipValidation[Desk]]
