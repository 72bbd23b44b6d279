"""The composition root: a hub from its settings, and what it refuses."""

import urllib.request
from asyncio import to_thread
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE
from unittest.mock import patch

import pytest

from crosswalk.accounts.accounts import Wanted
from crosswalk.accounts.errors import MasterKeyMissing, UnknownAccount
from crosswalk.accounts.vault import Secret
from crosswalk.api.asking import make_backing
from crosswalk.app import open_account, open_hub, serve_api
from crosswalk.config import Settings, settings
from crosswalk.store.errors import SchemaBehind
from fixtures.scripted import GOOD, KEY, Scripted, scripted


@pytest.fixture
def insightly() -> Iterator[Scripted]:
    """An Insightly that answers well."""
    with scripted(GOOD) as script:
        yield script


@pytest.fixture
def chosen(tmp_path: Path, insightly: Scripted) -> Settings:
    """The settings of a fresh home that may use the scripted Insightly."""
    return settings({"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_ALLOWED_HOSTS": insightly.host})


async def link(chosen: Settings, insightly: Scripted) -> None:
    """Link the scripted Insightly as `acme`."""
    async with open_hub(chosen) as hub:
        await hub.accounts.add(Wanted(name="acme", api_key=Secret(KEY), base_url=insightly.base_url))


async def test_first_use(chosen: Settings):
    """A fresh home gets its database and master key on first use, all of it for its owner alone."""
    async with open_hub(chosen):
        pass
    modes = {path.name: S_IMODE(path.stat().st_mode) for path in chosen.home.iterdir()}
    assert (0o700, {"crosswalk.db": 0o600, "master.key": 0o600}) == (S_IMODE(chosen.home.stat().st_mode), modes)


async def test_open_account(chosen: Settings, insightly: Scripted):
    """A linked account is opened by name, in a later process too."""
    await link(chosen, insightly)
    async with open_account("acme", chosen) as crm:
        assert 200 == (await crm.request("GET", "/Instance")).status


async def test_unknown_account(chosen: Settings):
    """An account that is not linked is refused by name."""
    with pytest.raises(UnknownAccount):
        async with open_account("acme", chosen):
            pass


async def test_given_key_seals(chosen: Settings, insightly: Scripted):
    """With a master key in the environment none is made in the home."""
    await link(settings({"CROSSWALK_MASTER_KEY": b64encode(b"k" * 32).decode(), **_environ(chosen)}), insightly)
    assert not (chosen.home / "master.key").exists()


async def test_rotated_key(chosen: Settings, insightly: Scripted):
    """After the newest key is put first and the old one kept behind it, accounts still open."""
    await link(replace(chosen, master_keys=(b"o" * 32,)), insightly)
    async with open_account("acme", replace(chosen, master_keys=(b"n" * 32, b"o" * 32))) as crm:
        assert 200 == (await crm.request("GET", "/Instance")).status


async def test_old_key_dropped(chosen: Settings, insightly: Scripted):
    """Without the key that sealed it, an account does not open, and the message says which is missing."""
    await link(replace(chosen, master_keys=(b"o" * 32,)), insightly)
    with pytest.raises(MasterKeyMissing, match="is sealed with master key"):
        async with open_account("acme", replace(chosen, master_keys=(b"n" * 32,))):
            pass


async def test_server_is_not_migrated_by_opening(chosen: Settings, bare_url: str):
    """A PostgreSQL is migrated by its operator's command only; the embedded database by opening it."""
    server = replace(chosen, database_url=bare_url, embedded=False)
    with pytest.raises(SchemaBehind, match="crosswalk migrate"):
        async with open_hub(server):
            pass


async def test_serve_api(chosen: Settings):
    """The API is served inside a running program, on a free port."""
    async with open_hub(chosen) as hub, serve_api(hub) as url:
        answer = await to_thread(urllib.request.urlopen, f"{url}/ping")
        with answer:
            assert b'{"ping":"pong"}' == answer.read()


async def test_settle_after(chosen: Settings):
    """The writes of the unified API settle as late as the setting says, like those of runs."""
    async with open_hub(replace(chosen, settle_after=7.0)) as hub:
        with patch("crosswalk.api.routes.make_backing", wraps=make_backing) as made:  # served out of reach
            async with serve_api(hub):
                assert timedelta(seconds=7) == made.call_args.kwargs["settle_after"]


async def test_body_error_passes_through(chosen: Settings):
    """An error of the program that serves comes out as it is."""
    async with open_hub(chosen) as hub:
        with pytest.raises(KeyError):
            async with serve_api(hub):
                raise KeyError("stop")


def _environ(chosen: Settings) -> dict[str, str]:
    return {"CROSSWALK_HOME": str(chosen.home), "CROSSWALK_ALLOWED_HOSTS": ",".join(chosen.allowed_hosts)}
