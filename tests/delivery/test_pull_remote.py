"""Files elsewhere: fsspec's memory and local stores stand for all, for they share its interface."""

import builtins

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.pull_remote import pull_remote
from crosswalk.delivery.source import open_source


@pytest.fixture
def store():
    """A store with two files."""
    files = MemoryFileSystem()
    files.pipe({"/box/b.csv": b"a\n2\n", "/box/a.csv": b"a\n1\n"})
    yield files
    files.rm("/box", recursive=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("memory://box/b.csv", ["2"]), ("memory://box/*.csv", ["1", "2"]), ("memory://box", ["1", "2"])],
)
def test_remote_files(store, url, expected):
    """A file, a pattern or a folder is copied and read, and the copy is removed."""
    with pull_remote(url) as path, open_source(path) as source:
        assert expected == [row.cells["a"] for row in source.rows]
    assert not path.exists()


def test_local_file(tmp_path):
    """A file:// address works as any other."""
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    with pull_remote(f"file://{tmp_path}/a.csv") as path:
        assert "a.csv" == path.name


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("memory://me:hunter2@box/none.csv?token=hunter2", "cannot be read"),
        ("memory://box/*.parquet", "no file is there"),
        ("https://me:hunter2@x/y.csv", "Addresses begin with"),
    ],
)
def test_refusals(store, url, says):
    """What is not there says so, without the address's secrets."""
    with pytest.raises(SourceError, match=says) as caught, pull_remote(url):
        pass
    assert "hunter2" not in str(caught.value)


def test_missing_library_names_the_extra(monkeypatch):
    """Without fsspec the way to install it is named. Patched: the test environment has it."""
    kept = builtins.__import__

    def without(name, *rest):
        if name.startswith("fsspec"):
            raise ImportError(name)
        return kept(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SourceError, match=r"crosswalk\[files\]"), pull_remote("s3://box/a.csv"):
        pass
