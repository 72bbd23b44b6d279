"""Ask an Insightly what a key may do there: four calls, and a line about each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from crosswalk.accounts.errors import CredentialRefused, InsightlySilent
from crosswalk.insightly import Insightly
from crosswalk.insightly.call import Answer
from crosswalk.insightly.custom_fields import CustomField
from crosswalk.insightly.errors import Answered, KeyRefused, NoAnswer, NotConnected
from crosswalk.insightly.instance import Instance
from crosswalk.insightly.record import read_many, read_one
from crosswalk.insightly.users import ObjectPermissions, Permissions, User

DELIVERY_KEY = "CROSSWALK_KEY__c"
T = TypeVar("T")


class Finding(Struct, frozen=True):
    """One line of a report: what was asked for, whether it works, and what was found."""

    what: str
    works: bool
    says: str


class Right(Struct, frozen=True):
    """What the key's user may do with one kind of record, in Insightly's name of it; `None` where it does not say."""

    object: str
    read: bool | None = None
    create: bool | None = None
    update: bool | None = None
    delete: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an Insightly said about itself and the key's user; `None` where it did not say."""

    findings: tuple[Finding, ...] = ()
    rights: tuple[Right, ...] = ()
    user_id: int | None = None
    user_name: str | None = None
    administrator: bool | None = None
    instance_id: int | None = None
    instance_name: str | None = None
    plan: str | None = None

    @property
    def is_insightly(self) -> bool:
        """Whether anything there answered as Insightly does."""
        return any(finding.works for finding in self.findings)

    def add(self, finding: Finding) -> "Report":
        """The report with one more line."""
        return replace(self, findings=(*self.findings, finding))


class OtherShape(ValueError):
    """An answer that is not what Insightly documents."""


async def check_key(crm: Insightly) -> Report:
    """Make the four calls. Raises `CredentialRefused` for a 401, `InsightlySilent` when nothing answers."""
    report = Report()
    for what, path, read in PROBES:
        try:
            report = read(report, await crm.request("GET", path))
        except (msgspec.DecodeError, OtherShape) as exc:
            report = report.add(Finding(what, works=False, says=f"{path} answers in another shape: {exc}"))
        except Answered as exc:
            report = report.add(Finding(what, works=False, says=_explain(exc)))
    return report


def _explain(error: Answered) -> str:
    """The line for a call that was answered with an error; raises what refuses the account."""
    match error:
        case KeyRefused():
            raise CredentialRefused(str(error)) from error
        case NotConnected() | NoAnswer(answer=None):
            raise InsightlySilent(str(error)) from error
        case _:
            return str(error)


def _read_user(report: Report, answer: Answer) -> Report:
    user = read_one(answer.body, User)
    if not user.user_id:
        raise OtherShape("a user without USER_ID")
    name = " ".join(part for part in (user.first_name, user.last_name) if part)
    rights = "administrator" if user.administrator is True else "not an administrator"
    report = report.add(Finding("user", works=True, says=f"{name or 'user'} ({user.user_id}), {rights}"))
    return replace(
        report,
        user_id=user.user_id,
        user_name=name or None,
        administrator=_given(user.administrator),
        instance_id=_given(user.instance_id),
    )


def _read_instance(report: Report, answer: Answer) -> Report:
    instance = read_one(answer.body, Instance)
    if not instance.instance_name:
        raise OtherShape("an instance without INSTANCE_NAME")
    says = f"{instance.instance_name}, plan {instance.plan_name or 'unknown'}"
    report = report.add(Finding("instance", works=True, says=says))
    return replace(report, instance_name=instance.instance_name, plan=_given(instance.plan_name))


def _read_permissions(report: Report, answer: Answer) -> Report:
    permissions = read_one(answer.body, Permissions)
    if permissions.object_permissions is UNSET:
        raise OtherShape("permissions without OBJECT_PERMISSIONS")
    barred = [str(each.object_type) for each in permissions.object_permissions or () if each.can_create is False]
    says = f"may not create: {', '.join(barred)}" if barred else "may create every kind of record"
    rights = tuple(_read_right(each) for each in permissions.object_permissions or ())
    return replace(report.add(Finding("permissions", works=True, says=says)), rights=rights)


def _read_right(given: ObjectPermissions) -> Right:
    return Right(
        object=str(given.object_type),
        read=_given(given.can_read),
        create=_given(given.can_create),
        update=_given(given.can_edit),
        delete=_given(given.can_delete),
    )


def _read_delivery_key(report: Report, answer: Answer) -> Report:
    fields = read_many(answer.body, CustomField)
    if any(field.field_name == DELIVERY_KEY for field in fields):
        return report.add(Finding("delivery key", works=True, says=f"contacts have {DELIVERY_KEY}"))
    says = (
        f"contacts have no custom field {DELIVERY_KEY}: a create whose answer is lost is held for a person. "
        "An administrator can add it as a text field"
    )
    return report.add(Finding("delivery key", works=False, says=says))


def _given(value: T | UnsetType | None) -> T | None:
    return None if value is UNSET else value


PROBES: tuple[tuple[str, str, Callable[[Report, Answer], Report]], ...] = (
    ("user", "/Users/Me", _read_user),
    ("instance", "/Instance", _read_instance),
    ("permissions", "/Permissions", _read_permissions),
    ("delivery key", "/CustomFields/Contacts", _read_delivery_key),
)
"""What is asked, where, and how the answer is read. The key's own check comes first."""
