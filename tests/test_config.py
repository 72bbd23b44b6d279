"""The settings: what the environment may say, and what is refused."""

from base64 import b64encode
from pathlib import Path

import pytest

from crosswalk.config import Misconfigured, settings

KEY = b64encode(b"k" * 32).decode()
OTHER = b64encode(b"o" * 32).decode()


def test_defaults():
    """With nothing set, the database is embedded in the home and nothing is allowed."""
    made = settings({"CROSSWALK_HOME": "/srv/hub"})
    assert ("sqlite:////srv/hub/crosswalk.db", True, (), (), None, 30, 120) == (
        made.database_url,
        made.embedded,
        made.master_keys,
        made.allowed_hosts,
        made.api_key,
        made.request_timeout,
        made.settle_after,
    )


def test_master_keys_in_order(tmp_path: Path):
    """Master keys come as text or from a file, newest first."""
    (tmp_path / "key").write_text(f"{OTHER}\n")
    made = settings({"CROSSWALK_MASTER_KEY": f"{KEY}, file:{tmp_path}/key"})
    assert (b"k" * 32, b"o" * 32) == made.master_keys


def test_no_secret_in_repr():
    """The settings can be logged."""
    made = settings(
        {
            "CROSSWALK_MASTER_KEY": KEY,
            "CROSSWALK_API_KEY": "the-key",
            "CROSSWALK_DATABASE_URL": "postgresql://me:the-password@db/hub",
        }
    )
    assert not any(secret in repr(made) for secret in ("kkkk", KEY, "the-key", "the-password"))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CROSSWALK_MASTER_KEY", "short", "not base64 of 32 bytes"),
        ("CROSSWALK_MASTER_KEY", "file:/nowhere/key", "/nowhere/key, which cannot be read"),
        ("CROSSWALK_DATABASE_URL", "mysql://db", "no PostgreSQL address"),
        ("CROSSWALK_REQUEST_TIMEOUT", "soon", "'soon'; give a number of seconds"),
        ("CROSSWALK_SETTLE_AFTER", "-1", "'-1'; give a number of seconds"),
        ("CROSSWALK_TRUSTED_PROXIES", "10.0.0.5, *", "names '[*]'; write addresses or networks"),
        ("CROSSWALK_DAY_RESETS", "25:00", "give a time of UTC such as 05:00"),
        ("CROSSWALK_LOG_FORMAT", "yaml", "'yaml'; give one of json, text"),
        ("CROSSWALK_LOG_LEVEL", "trace", "give one of debug, info, warning, error"),
        ("CROSSWALK_TRACES", "yes", "give one of otlp, off"),
        ("CROSSWALK_SETTLE_AFTER", "inf", "'inf'; give a number of seconds"),
    ],
)
def test_refused(name: str, value: str, says: str):
    """A value of no use is refused by the name of its variable."""
    with pytest.raises(Misconfigured, match=f"{name}.*{says}"):
        settings({name: value})


def test_workers_need_postgresql():
    """Sending is left to workers where there may be some, and a lease is neither too short to keep nor for ever."""
    server = {"CROSSWALK_DATABASE_URL": "postgresql://db.example.com/hub"}
    made = settings(server | {"CROSSWALK_ENGINE": "workers", "CROSSWALK_LEASE": "20"})
    assert (True, 20.0) == (made.workers, made.lease)
    assert (False, 12.0) == (settings(server).workers, settings(server).lease)
    with pytest.raises(Misconfigured, match="needs PostgreSQL"):
        settings({"CROSSWALK_ENGINE": "workers"})
    with pytest.raises(Misconfigured, match="serve or workers"):
        settings(server | {"CROSSWALK_ENGINE": "both"})
    with pytest.raises(Misconfigured, match="5 to 300"):
        settings(server | {"CROSSWALK_LEASE": "1"})
