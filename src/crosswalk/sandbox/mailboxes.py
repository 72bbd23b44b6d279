"""The address of a record's own mailbox: mail sent there is filed with the record."""

import msgspec

from crosswalk.sandbox.answers import find_in_path, success, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.rules import Draft

FIELD = "LINKED_EMAIL_ADDRESS"
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def give_mailbox(draft: Draft, letter: str) -> None:
    """Give a new record its address, in the recorded form `example-L100000001-ABC1234@mailbox.insight.ly` (S3)."""
    if draft.old is None:
        draft[FIELD] = make_address(draft.instance.name, letter, draft.table.next_id)


def make_address(name: str, letter: str, number: int) -> str:
    """Write a record's address; its code follows from its number."""
    code, rest = "", number * 2_654_435_761 % len(ALPHABET) ** 7
    for _ in range(7):
        rest, digit = divmod(rest, len(ALPHABET))
        code += ALPHABET[digit]
    words = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return f"{words}-{letter}{number}-{code}@mailbox.insight.ly"


def get_mailbox(instance: Instance, call: Call) -> Answer:
    """Answer the address of a record's mailbox."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    return Answer(success(call), msgspec.json.encode({"EMAIL": table.get(row, FIELD)}))
