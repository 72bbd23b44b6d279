"""Notices: one for each change, to the log, by webhook and e-mail."""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest
from standardwebhooks.webhooks import Webhook

from crosswalk.delivery.errors import ChannelTaken, NoMailServer, UnknownChannel, UnknownNotice
from crosswalk.delivery.notices import Notices, read_kind
from crosswalk.delivery.responses import add_responses
from crosswalk.outgoing.courier import Courier
from crosswalk.outgoing.endpoints import Draft
from crosswalk.outgoing.errors import UnusableAddress
from crosswalk.outgoing.mail import Server, read_server
from crosswalk.outgoing.outbox import Outbox


class Postbox:
    """A small mail server: keeps letters, with who they are from and to; refuses while `busy`."""

    def __init__(self):
        self.letters = []
        self.busy = False
        self.port = 0

    async def serve(self, reader, writer):
        """One session of SMTP."""

        def say(text):
            writer.write(f"{text}\r\n".encode())

        say("220 post")
        people = []
        while line := (await reader.readline()).decode().strip():
            match line.split()[0].upper(), line:
                case "EHLO" | "HELO", _:
                    say("250 post")
                case "MAIL" | "RCPT", _:
                    people.append(line.partition(":")[2].split()[0].strip("<>"))
                    say("451 busy" if self.busy else "250 ok")
                case "DATA", _:
                    say("354 go on")
                    self.letters.append((*people, (await reader.readuntil(b"\r\n.\r\n")).decode()))
                    say("250 ok")
                case "RSET", _:
                    say("250 ok")
                case "QUIT", _:
                    say("221 bye")
                    break
                case _:
                    say("502 no")
        writer.close()


@pytest.fixture
async def postbox():
    """A running mail server."""
    made = Postbox()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
def notices(database):
    """Notices that may be mailed."""
    return Notices(database=database, can_mail=True)


@pytest.fixture
def courier(database, endpoints, notices, postbox):
    """Who tells."""
    return Courier(
        database=database,
        endpoints=endpoints,
        add=add_responses,
        tell_disabled=notices.tell_disabled,
        mail=Server(host="127.0.0.1", port=postbox.port, sender="crosswalk@example.com"),
        clock=lambda: datetime.now(UTC),
        rng=Random(1),
    )


async def test_once_while_it_lasts(notices):
    """What lasts is told once; after its end it is told again."""
    first = await notices.tell("lane.paused", "run", "It waits.")
    assert None is await notices.tell("lane.paused", "run", "It waits still.")
    await notices.tell("lane.resumed", "run", "It goes on.")
    assert None is not await notices.tell("lane.paused", "run", "It waits again.")
    (old,) = [each for each in await notices.list() if first and each.id == first.id]
    assert old.over_at is not None


async def test_many_at_once(notices):
    """Many who tell the same at once make one notice."""
    await asyncio.gather(*(notices.tell("source.failed", "s", "It failed.") for _ in range(10)))
    assert 1 == len(await notices.list())


async def test_unread(notices):
    """Notices are unread until somebody marks them, one or all."""
    told = [await notices.tell("run.finished", f"run{n}", "Done.") for n in range(3)]
    counts = await notices.mark_read(told[0].id), await notices.mark_read(told[0].id), await notices.mark_read()
    assert ((1, 0, 2), [], 3) == (counts, await notices.list(unread=True), len(await notices.list()))


async def test_reach(notices, database):
    """Whoever reaches some accounts sees their notices alone."""
    await notices.tell("run.finished", "run", "Done.")
    narrow = Notices(database=database, reach=frozenset({"a"}))
    (every,) = await notices.list()
    assert [] == await narrow.list()
    with pytest.raises(UnknownNotice):
        await narrow.mark_read(every.id)


async def test_email(notices, courier, postbox):
    """An e-mail is plain text, for the kinds that its channel carries."""
    await notices.add_email("ops@example.com", ["run.stopped"])
    await notices.tell("run.stopped", "r1", "Run r1 stopped: ünknown.\nSubject: not a header")
    await notices.tell("schema.changed", "d", "A column went.")
    await courier.empty()
    ((sender, to, letter),) = postbox.letters
    assert ("crosswalk@example.com", "ops@example.com") == (sender, to)
    assert ("Subject: [Crosswalk] A run stopped" in letter, "text/plain" in letter) == (True, True)


async def test_mail_server_is_busy(notices, courier, postbox, database):
    """A letter that the server does not take waits."""
    postbox.busy = True
    await notices.add_email("ops@example.com")
    await notices.tell("run.stopped", "r1", "Stopped.")
    await courier.empty()
    (message,) = await Outbox(database=database).list()
    assert ("pending", True, []) == (message.state, "busy" in (message.reason or ""), postbox.letters)


async def test_configured_emails(database, courier, postbox):
    """Addresses of the configuration hear of what is usual, and not of every finished run."""
    notices = Notices(database=database, emails=("ops@example.com",), can_mail=True)
    await notices.tell("run.finished", "r1", "Done.")
    await notices.tell("record.held", "r1", "Held.")
    await courier.empty()
    assert 1 == len(postbox.letters)


async def test_webhook(notices, courier, endpoints, receiver):
    """A webhook channel hears of notices as signed events."""
    made = await endpoints.create(Draft(name="ops", url=receiver.url))
    await notices.add_endpoint(made.endpoint)
    await notices.tell("budget.spent", "acme", "The day is spent.")
    await courier.empty()
    (heard,) = receiver.heard
    event = Webhook(made.secret).verify(heard.body, heard.headers)
    assert ("budget.spent", "The day is spent.") == (event["type"], event["data"]["message"])


async def test_disabled_endpoint_does_not_hear_of_itself(notices, courier, endpoints, receiver, postbox):
    """When a channel's own endpoint is disabled, the other channels are told, once."""
    made = await endpoints.create(Draft(name="ops", url=receiver.url))
    await notices.add_endpoint(made.endpoint)
    await notices.add_email("ops@example.com")
    receiver.statuses(410)
    await notices.tell("budget.spent", "acme", "The day is spent.")
    await courier.empty()
    assert (1, 2) == (len(receiver.heard), len(postbox.letters))
    assert ["endpoint.disabled", "budget.spent"] == [each.kind for each in await notices.list()]


async def test_channel_once(notices):
    """A channel is added once, and can be removed by its address."""
    await notices.add_email("ops@example.com")
    with pytest.raises(ChannelTaken):
        await notices.add_email("ops@example.com")
    await notices.remove("ops@example.com")
    with pytest.raises(UnknownChannel):
        await notices.remove("ops@example.com")


async def test_no_mail_server(database):
    """An e-mail channel needs a mail server."""
    with pytest.raises(NoMailServer):
        await Notices(database=database).add_email("ops@example.com")


@pytest.mark.parametrize("address", ["", "ops", "ops@", "a b@example.com", "ops@example.com\r\nBcc: x@y.z", "<o@x.y>"])
async def test_unusable_address(notices, address):
    """What no header may hold is no address."""
    with pytest.raises(UnusableAddress):
        await notices.add_email(address)


def test_unknown_kind():
    """A kind that there is not is refused with those that there are."""
    with pytest.raises(UnknownNotice, match=r"lane\.paused"):
        read_kind("lane.broken")


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "encrypted", "must"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, None, False, False),
        ("smtps://mail.example.com", "mail.example.com", 465, None, True, False),
        ("smtp://u%40x:p%3A@mail.example.com:25", "mail.example.com", 25, "u@x", False, True),
        ("smtp://u:p@127.0.0.1:25", "127.0.0.1", 25, "u", False, False),
    ],
)
def test_mail_server(url, host, port, user, encrypted, must):
    """The server's address is read; a password never leaves this machine in the clear."""
    found = read_server(url, None)
    assert (host, port, user, encrypted, must) == (
        found.host,
        found.port,
        found.user,
        found.encrypted,
        found.must_encrypt,
    )
    assert "p:" not in repr(found)


@pytest.mark.parametrize("url", ["mail.example.com", "http://x", "smtp://", "smtp://x/y", "smtp://x:99999"])
def test_unusable_mail_server(url):
    """An address of another kind is refused."""
    with pytest.raises(UnusableAddress, match="CROSSWALK_SMTP_URL"):
        read_server(url, None)
