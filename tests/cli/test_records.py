"""`crosswalk get|list|search|create|update|delete`."""

import asyncio
import json
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from crosswalk.cli import main
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.sandbox.server import serve


@pytest.fixture(scope="module")
def insightly_at():
    """A sandbox in a thread of its own, since each command runs a loop of its own."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), {}

    async def hold():
        sandbox = Sandbox(make_recipes(sizes={"contacts": 30, "leads": 5}, limits=Limits(enabled=False)))
        async with serve(sandbox) as running:
            found.update(url=running.base_url, key=running.key, stop=asyncio.Event())
            ready.set()
            await found["stop"].wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(hold(),))
    thread.start()
    ready.wait(10)
    yield found["url"], found["key"]
    loop.call_soon_threadsafe(found["stop"].set)
    thread.join()
    loop.close()


@pytest.fixture
def run(insightly_at, tmp_path):
    """Run a command against the sandbox."""
    url, key = insightly_at

    def invoke(*args, stdin=None, where=("--base-url", url), env=None):
        given = {"CROSSWALK_API_KEY": key, "CROSSWALK_HOME": str(tmp_path / "home"), **(env or {})}
        return CliRunner().invoke(
            main, [*args, *where, "--rate", "off"] if where else list(args), input=stdin, env=given
        )

    return invoke


def read(result):
    """The JSON that a command printed; it must have ended well."""
    assert 0 == result.exit_code, result.stderr
    return json.loads(result.stdout)


def test_list(run):
    """A list is one array of Insightly's own objects, with its own id first."""
    listed = read(run("list", "Contacts", "--top", "3", "--skip", "2"))
    assert 3 == len(listed)
    assert {"CONTACT_ID"} == {next(iter(each)) for each in listed}


def test_list_all(run):
    """`--all` gives everything, once."""
    ids = [each["CONTACT_ID"] for each in read(run("list", "contacts", "--all", "--brief"))]
    assert sorted(set(ids)) == ids
    assert 30 <= len(ids)


def test_list_nothing(run):
    """Nothing is an empty array."""
    assert [] == read(run("list", "Contacts", "--skip", "9999"))
    assert [] == read(run("search", "Contacts", "FIRST_NAME=Nobody", "--all"))


def test_list_with_a_query(run):
    """What one resource alone takes is passed on."""
    assert isinstance(read(run("list", "Tags", "--query", "record_type=contacts")), list)


def test_from_birth_to_death(run, tmp_path):
    """Create, get, search, update, delete."""
    file = tmp_path / "more.json"
    file.write_text('{"LAST_NAME": "Byron", "EMAIL_OPTED_OUT": false}')
    made = read(run("create", "Contacts", "FIRST_NAME=Ada", "CROSSWALK_KEY__c=7", "--json", str(file)))
    id_ = str(made["CONTACT_ID"])
    assert made == read(run("get", "Contacts", id_))
    assert [made] == read(run("search", "Contacts", "LAST_NAME=Byron"))
    changed = read(run("update", "Contacts", id_, "LAST_NAME=", "EMAIL_OPTED_OUT=true", 'first_name:="Eve"'))
    assert (None, True, "Eve") == (changed["LAST_NAME"], changed["EMAIL_OPTED_OUT"], changed["FIRST_NAME"])
    gone = run("delete", "Contacts", id_)
    assert (0, "") == (gone.exit_code, gone.stdout)
    assert 3 == run("get", "Contacts", id_).exit_code


def test_json_from_standard_input(run):
    """`--json -` reads standard input."""
    assert "Ada" == read(run("create", "Contacts", "--json", "-", stdin='{"FIRST_NAME": "Ada"}'))["FIRST_NAME"]


def test_updated_after(run):
    """Changes since a time are searched for."""
    made = read(run("create", "Leads", "LAST_NAME=New"))
    later = read(run("search", "Leads", "--updated-after", "2020-01-01", "--all"))
    assert made["LEAD_ID"] in {each["LEAD_ID"] for each in later}
    assert [] == read(run("list", "Leads", "--updated-after", "2090-01-01T00:00:00Z"))


def test_search_by_tag(run):
    """A tag may be looked for."""
    assert [] == read(run("search", "Contacts", "--tag", "no such tag"))


@pytest.mark.parametrize(("args", "key"), [(("Instance",), "PLAN_NAME"), (("Users", "me"), "USER_ID")])
def test_get_without_an_id(run, args, key):
    """What has no ids, or a name for one, is read as well."""
    assert key in read(run("get", *args))


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("list", "Contcts"), "Did you mean Contacts"),
        (("create", "Contacts", "FRIST_NAME=x"), "Contacts has no field 'FRIST_NAME'. Did you mean FIRST_NAME"),
        (("update", "Contacts", "1", "DATE_CREATED_UTC=x"), "is read only"),
        (("create", "Contacts"), "Nothing is given to send"),
        (("create", "Contacts", "FIRST_NAME"), "is not FIELD=VALUE"),
        (("create", "Contacts", "OWNER_USER_ID=x"), "OWNER_USER_ID takes integer, not 'x'"),
        (("create", "Contacts", "TAGS=x"), "write TAGS:=JSON"),
        (("create", "Contacts", "TAGS:={"), "holds no JSON"),
        (("create", "Contacts", "--json", "no-such-file"), "no-such-file"),
        (("search", "Contacts"), "Say what to look for"),
        (("list", "Contacts", "--updated-after", "soon"), "is no time"),
        (("list", "Contacts", "--top", "501"), "501"),
        (("create", "Notes", "TITLE=x"), "Insightly has no POST /Notes"),
    ],
)
def test_wrong_use(run, args, says):
    """A slip is one clear line and status 2, before any call."""
    result = run(*args)
    assert (2, True, "") == (result.exit_code, says in result.stderr, result.stdout), result.stderr


def test_refused(run):
    """What Insightly refuses is status 3, with its own words."""
    result = run("get", "Contacts", "1")
    assert (3, True) == (result.exit_code, "No Contact with ID = 1" in result.stderr)


def test_wrong_key(run):
    """A wrong key is one line and status 3, and is not repeated."""
    result = run("list", "Contacts", env={"CROSSWALK_API_KEY": "0123456789-wrong"})
    assert (3, True) == (result.exit_code, "key" in result.stderr)
    assert "0123456789-wrong" not in result.output


def test_key_from_a_file(run, insightly_at, tmp_path):
    """The key may stand in a file."""
    file = tmp_path / "key"
    file.write_text(insightly_at[1] + "\n")
    assert read(run("list", "Users", "--api-key-file", str(file), env={"CROSSWALK_API_KEY": ""}))


def test_no_key(run):
    """Without a key nothing is sent."""
    assert (2, True) == (
        (result := run("list", "Users", env={"CROSSWALK_API_KEY": ""})).exit_code,
        "No key" in result.stderr,
    )


@pytest.mark.parametrize(
    "where", [("--rate", "10"), ("--pod", "na1", "--base-url", "http://127.0.0.1:1/v3.1"), ("--pod", "evil.example/")]
)
def test_where(run, where):
    """One place, and one that is Insightly's."""
    assert 2 == run("list", "Users", where=where).exit_code


def test_nobody_there(run, free_tcp_port):
    """Where nothing listens, status 3."""
    url = f"http://127.0.0.1:{free_tcp_port}/v3.1"
    result = run("list", "Users", where=("--base-url", url))
    assert (3, True) == (result.exit_code, "Nothing was sent" in result.stderr)


def test_linked_account(run, insightly_at):
    """An account that is linked is called by its name."""
    url, key = insightly_at
    env = {"CROSSWALK_ALLOWED_HOSTS": url.split("/")[2]}
    added = run("accounts", "add", "acme", "--api-key", key, "--base-url", url, where=(), env=env)
    assert 0 == added.exit_code, added.stderr
    assert read(run("get", "Instance", where=("--account", "acme"), env=env))
    unknown = run("get", "Instance", where=("--account", "acne"), env=env)
    assert 2 == unknown.exit_code


def test_what_a_read_loads():
    """Reading from Insightly loads neither web framework nor database."""
    program = (
        "import sys, click.testing; from crosswalk.cli import main; "
        "click.testing.CliRunner().invoke(main, ['list', 'Users', '--base-url', 'http://127.0.0.1:9/v3.1', "
        "'--api-key', 'x', '--query', 'bad']); import crosswalk.insightly; "
        "print([m for m in ('litestar', 'sqlalchemy', 'alembic') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]" == out.stdout.strip()
