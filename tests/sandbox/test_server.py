"""The sandbox as a server and as a command: start, stop, TLS, state, slow senders, other servers."""

import asyncio
import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from click.testing import CliRunner

from crosswalk.cli import main
from crosswalk.sandbox.app import App
from crosswalk.sandbox.faults import read_rules
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.sandbox.save import Unreadable, keep_state, load_state, save_state
from crosswalk.sandbox.server import serve
from crosswalk.sandbox.tls import make_tls

SMALL = {"contacts": 3}
COMMAND = [sys.executable, "-c", "from crosswalk.cli import main; main()", "sandbox", "--port", "0", "--json"]


def make(**options: object) -> Sandbox:
    """Make a small sandbox without limits."""
    return Sandbox(make_recipes(sizes=SMALL, limits=Limits(enabled=False), **options))


async def read(running, path: str, **options: object) -> object:
    """Call a sandbox with its key and read the JSON."""
    auth = {"Authorization": aiohttp.encode_basic_auth(running.key)}
    async with aiohttp.ClientSession(headers=auth) as http, http.get(f"{running.base_url}/{path}", **options) as answer:
        return await answer.json()


class Started:
    """The command, running as a process of its own."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        told = json.loads(self.process.stdout.readline())
        self.base_url, [self.key, *self.others], self.pid = told["base_url"], told["keys"], told["pid"]
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)
        self.process.stdout.close()

    def stop(self, signum: int) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(signum)
        return self.process.wait(10)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_command_starts_answers_and_ends(signum):
    """The command tells in one line where it answers, and a signal ends it with status 0."""
    with Started("--contacts", "7", "--api-key", "my-own-key") as started:
        assert (started.process.pid, "my-own-key") == (started.pid, started.key)
        assert 7 == len(await read(started, "Contacts"))
        assert 0 == started.stop(signum)


async def test_command_with_calls_in_flight():
    """A call that hangs does not keep the command from ending."""
    with Started("--latency-ms", "60000") as started:
        calling = asyncio.create_task(read(started, "Contacts"))
        async with aiohttp.ClientSession() as http:
            seen = []
            while not seen:
                async with http.get(started.base_url.replace("/v3.1", "/_sandbox/faults")) as answer:
                    seen = [rule for rule in await answer.json() if rule["seen"]]
        assert 0 == started.stop(signal.SIGINT)
        with pytest.raises(aiohttp.ClientError):
            await calling


async def test_command_with_several_accounts():
    """Each account has a key of its own."""
    with Started("--accounts", "3") as started:
        assert 3 == len({started.key, *started.others})


def test_command_on_a_port_in_use():
    """A taken port is one clear line and status 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["sandbox", "--port", str(port)])
    assert 2 == done.exit_code
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use. Name another --port." in done.output


def test_command_on_a_host_that_is_none():
    """A host that is not this machine's is one clear line too."""
    done = CliRunner().invoke(main, ["sandbox", "--host", "no-such-host.invalid", "--port", "0"])
    assert (2, True) == (done.exit_code, "Cannot listen on no-such-host.invalid:0" in done.output)


@pytest.mark.parametrize("key", ["", " ", "my:key"])
def test_command_with_a_key_that_opens_nothing(key):
    """A key that no Basic header can carry is refused before anything is served."""
    done = CliRunner().invoke(main, ["sandbox", "--port", "0", "--api-key", key])
    assert (2, True) == (done.exit_code, "--api-key" in done.output)


def test_command_with_a_file_that_is_no_state(tmp_path):
    """A state file that is none is refused and left as it was."""
    path = tmp_path / "state"
    path.write_text("precious")
    done = CliRunner().invoke(main, ["sandbox", "--port", "0", "--state", str(path)])
    assert (2, "precious") == (done.exit_code, path.read_text())
    assert "is no state of a sandbox" in done.output


async def test_command_keeps_its_state(tmp_path):
    """Records outlive the process when a state file is named."""
    path = tmp_path / "state"
    with Started("--contacts", "3", "--state", str(path)) as first:
        auth = {"Authorization": aiohttp.encode_basic_auth(first.key)}
        ada = {"FIRST_NAME": "Ada"}
        async with (
            aiohttp.ClientSession(headers=auth) as http,
            http.post(f"{first.base_url}/Contacts", json=ada) as got,
        ):
            made = await got.json()
        first.stop(signal.SIGTERM)
    with Started("--contacts", "3", "--state", str(path)) as second:
        assert made == await read(second, f"Contacts/{made['CONTACT_ID']}")


def test_state_is_written_whole(tmp_path):
    """A state comes back as it went, and no half-written file is left beside it."""
    first, second = make(), make(seed=9)
    path = tmp_path / "state"
    save_state(first, path)
    assert load_state(second, path)
    assert first.first.instance.snapshot() == second.first.instance.snapshot()
    assert [path] == list(tmp_path.iterdir())


async def test_state_is_kept_while_calls_come(tmp_path):
    """Changes are saved while the sandbox runs, so that a kill loses seconds and not the day."""
    sandbox, path = make(), tmp_path / "state"
    keeping = asyncio.create_task(keep_state(sandbox, path, every=0.001))
    await asyncio.sleep(0)
    sandbox.first.sow(sandbox.clock.now, seed=9, sizes=SMALL)
    async with asyncio.timeout(5):
        while not path.exists():  # noqa: ASYNC110 (a file has no event to wait on)
            await asyncio.sleep(0)
    keeping.cancel()
    second = make()
    load_state(second, path)
    assert sandbox.first.instance.snapshot() == second.first.instance.snapshot()


def test_state_that_cannot_be_kept(tmp_path):
    """A folder that is not there is one clear line at the start, not a loss at the end."""
    done = CliRunner().invoke(main, ["sandbox", "--port", "0", "--state", str(tmp_path / "none" / "state")])
    assert (2, True) == (done.exit_code, "No such file or directory. Name another file." in done.output)


def test_no_state_yet(tmp_path):
    """Without a file there is nothing to load, and that is no error."""
    assert not load_state(make(), tmp_path / "state")


def test_state_of_nonsense(tmp_path):
    """A file that is no state is refused by name."""
    path = tmp_path / "state"
    path.write_bytes(b"\x00junk")
    with pytest.raises(Unreadable, match="is no state of a sandbox"):
        load_state(make(), path)


async def test_tls(tmp_path):
    """A program that trusts our authority talks https to the sandbox under Insightly's names."""
    context, files = make_tls(tmp_path / "tls", datetime.now(UTC))
    trusting = ssl.create_default_context(cafile=files.authority)
    async with serve(make(), tls=context) as running:
        assert running.base_url.startswith("https://127.0.0.1:")
        for host in (None, "api.na1.insightly.com", "api.eu1.insightly.com", "api.insightly.com"):
            assert 3 == len(await read(running, "Contacts", ssl=trusting, server_hostname=host))


async def test_tls_faults(tmp_path):
    """A reset is a reset beneath TLS too."""
    context, files = make_tls(tmp_path, datetime.now(UTC))
    trusting = ssl.create_default_context(cafile=files.authority)
    async with serve(make(), tls=context) as running:
        running.sandbox.script.load(read_rules(b'[{"fault": "reset"}]'))
        with pytest.raises(aiohttp.ClientError):
            await read(running, "Contacts", ssl=trusting)


def test_the_tls_key_is_secret(tmp_path):
    """Only its owner may read the key."""
    _, files = make_tls(tmp_path / "tls", datetime.now(UTC))
    assert 0o600 == stat.S_IMODE(files.key.stat().st_mode)


@pytest.mark.parametrize(("days", "same"), [(1, True), (364, False)])
def test_certificates_are_made_again_when_due(tmp_path, days, same):
    """The certificates are kept while they are good, so that they need to be trusted once."""
    now = datetime.now(UTC)
    _, files = make_tls(tmp_path, now)
    first = files.authority.read_bytes()
    make_tls(tmp_path, now + timedelta(days=days))
    assert same == (first == files.authority.read_bytes())


async def cut_off(message: bytes) -> bytes:
    """Send the start of a request to an impatient sandbox and read what it says."""
    async with serve(make(), patience=0.05) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
        auth = f"Authorization: {aiohttp.encode_basic_auth(running.key)}\r\n".encode()
        writer.write(message.replace(b"AUTH\r\n", auth))
        got = await reader.read()
        writer.close()
        return got


@pytest.mark.parametrize(
    "message", [b"", b"GET /v3.1/Con", b"POST /v3.1/Contacts HTTP/1.1\r\nHost: x\r\nAUTH\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_slow_senders(message):
    """A request that does not come to its end is answered 408 and cut, wherever it stopped."""
    assert (await cut_off(message)).startswith(b"HTTP/1.1 408 ")


async def test_a_control_call_that_is_never_whole():
    """A control call whose sender leaves early is forgotten, and the sandbox lives on."""
    async with serve(make()) as running:
        _, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
        writer.write(b"PUT /_sandbox/faults HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[")
        await writer.drain()
        writer.close()
        assert 3 == len(await read(running, "Contacts"))


async def test_slow_senders_are_not_in_the_way():
    """While one sender dawdles, others are answered."""
    async with serve(make()) as running:
        _, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
        writer.write(b"POST /v3.1/Contacts HTTP/1.1\r\n")
        assert 3 == len(await read(running, "Contacts"))
        writer.close()


async def test_under_another_server():
    """The application answers under any ASGI server, given only what ASGI promises."""
    sent = []
    sandbox = make()
    key = sandbox.first.instance.users[0].key
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "raw_path": b"/v3.1/Contacts/1",
        "query_string": b"",
        "headers": [(b"authorization", aiohttp.encode_basic_auth(key).encode())],
    }

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    await App(sandbox)(scope, receive, send)
    assert (404, b"No Contact with ID = 1") == (sent[0]["status"], sent[1]["body"])


async def test_many_at_once():
    """A hundred calls at once are all answered."""
    async with serve(make()) as running:
        got = await asyncio.gather(*(read(running, "Contacts") for _ in range(100)))
    assert [3] * 100 == [len(found) for found in got]


def test_the_first_answer_comes_quickly():
    """The command imports neither a web framework nor a database to start."""
    script = (
        "import sys; import crosswalk.sandbox.server\n"
        "sys.exit(' '.join({'litestar', 'sqlalchemy', 'aiohttp', 'alembic'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
