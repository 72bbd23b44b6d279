"""The vault: what is sealed opens in its own place, with its own key, and nowhere else."""

from dataclasses import replace
from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.accounts.errors import MasterKeyMissing, SealBroken, VaultError
from crosswalk.accounts.home_key import make_home_key, read_home_keys
from crosswalk.accounts.vault import Place, Secret, Vault

OLD, NEW = b"o" * 32, b"n" * 32
HERE = Place(account_id="1", field="api_key")
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
places = st.builds(Place, account_id=texts, field=texts)


@given(texts, places)
def test_opens_in_its_place(value: str, place: Place):
    """What was sealed for a place opens there, unchanged."""
    vault = Vault((NEW,))
    assert value == vault.open(vault.seal(Secret(value), place), place).reveal()


@given(places, places)
def test_opens_nowhere_else(place: Place, other: Place):
    """A row copied to another account or field does not open."""
    vault = Vault((NEW,))
    sealed = vault.seal(Secret("key"), place)
    if place == other:
        return
    with pytest.raises(SealBroken):
        vault.open(sealed, other)


@given(st.integers(min_value=0, max_value=8 * 19 - 1))
def test_altered_bit(bit: int):
    """No bit of the sealed bytes can be turned over unnoticed."""
    vault = Vault((NEW,))
    sealed = vault.seal(Secret("key"), HERE)
    altered = bytearray(sealed.sealed)
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        vault.open(replace(sealed, sealed=bytes(altered)), HERE)


def test_rotation_opens_old():
    """After a newer key is put first, what the older one sealed still opens."""
    sealed = Vault((OLD,)).seal(Secret("key"), HERE)
    assert "key" == Vault((NEW, OLD)).open(sealed, HERE).reveal()


def test_newest_seals():
    """The first key of the ring seals."""
    sealed = Vault((NEW, OLD)).seal(Secret("key"), HERE)
    assert "key" == Vault((NEW,)).open(sealed, HERE).reveal()


def test_key_missing():
    """A ring without the sealing key says which key is missing and which are given."""
    sealed = Vault((OLD,)).seal(Secret("key"), HERE)
    with pytest.raises(MasterKeyMissing, match=f"sealed with master key {sealed.key_id}; given are: "):
        Vault((NEW,)).open(sealed, HERE)


def test_never_the_same_bytes():
    """Sealing twice gives different bytes, so that equal keys cannot be told."""
    vault = Vault((NEW,))
    assert vault.seal(Secret("key"), HERE).sealed != vault.seal(Secret("key"), HERE).sealed


def test_secret_shows_stars():
    """A secret in a log line or an f-string is three stars."""
    assert "*** ***" == f"{Secret('key')} {Secret('key')!r}"


def test_home_key_mode(tmp_path: Path):
    """The key made in the home is for its owner alone."""
    make_home_key(tmp_path)
    assert 0o600 == S_IMODE((tmp_path / "master.key").stat().st_mode)


def test_home_key_stays(tmp_path: Path):
    """A second maker keeps the first one's key and leaves nothing lying about."""
    first = make_home_key(tmp_path)
    second = make_home_key(tmp_path)
    assert (first, first, ["master.key"]) == (second, *read_home_keys(tmp_path), [p.name for p in tmp_path.iterdir()])


def test_damaged_home_key(tmp_path: Path):
    """A damaged key file is named, and never replaced."""
    (tmp_path / "master.key").write_text("AAAA")
    with pytest.raises(VaultError, match=r"master\.key is not base64 of 32 bytes"):
        read_home_keys(tmp_path)


def test_unwritable_home():
    """A home that cannot be written is named."""
    with pytest.raises(VaultError, match=r"Cannot write the master key /proc/nowhere/master\.key"):
        make_home_key(Path("/proc/nowhere"))


def test_no_home_key(tmp_path: Path):
    """A home where no key was made has none."""
    assert () == read_home_keys(tmp_path)
