"""Which URLs and addresses webhooks may go to."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.outgoing.address import is_public, read_host, read_url
from crosswalk.outgoing.errors import UnusableAddress

REFUSED = {
    "loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "private": ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254"),
    "link-local": ("169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "fec0::1"),
    "carrier": ("100.64.0.1", "100.127.255.255", "100.100.100.200"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "reserved": ("240.0.0.1", "255.255.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.7", "2001:db8::1"),
    "unspecified": ("0.0.0.0", "0.1.2.3", "::"),
    "inside": ("::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001::1"),
    "metadata": ("168.63.129.16",),
}


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in REFUSED.items() for text in texts])
def test_refused_range(why, text):
    """No address of a range that is not the public internet is public."""
    assert not is_public(ip_address(text)), why


@pytest.mark.parametrize("text", ["93.184.216.34", "8.8.8.8", "100.63.255.255", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public(text):
    """An address of the public internet is public."""
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_mapped_like_plain(address: IPv4Address):
    """An IPv4 address inside IPv6 is treated as what it is."""
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)


@given(st.ip_addresses(v=4, network="127.0.0.0/8"), st.sampled_from("dxo"))
def test_disguised_loopback(address: IPv4Address, spelling: str):
    """A number in disguise is refused in any spelling, whole or in parts: resolvers would read it as an address."""
    whole = int(address)
    parts = str(address).split(".")
    spell = {"d": str, "x": hex, "o": lambda n: f"0{n:o}"}[spelling]
    for text in (spell(whole), ".".join(spell(int(part)) for part in parts), f"{parts[0]}.{spell(whole & 0xFFFFFF)}"):
        with pytest.raises(UnusableAddress):
            read_url(f"https://{text}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://@example.com/",
        "https://example.com:0/",
        "https://example.com:/",
        "https://example.com:99999/",
        "https://example.com/#here",
        "https://example.com\\@10.0.0.1/",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: x",
        "https://example..com/",
        "https://.example.com/",
        "https://-x.example.com/",
        "https://exa%6dple.com/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://１２７.0.0.1/",  # noqa: RUF001 (digits of another script, which IDNA folds)
        "https://127。0。0。1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        f"https://example.com/{'x' * 3000}",
    ],
)
def test_refused_url(url):
    """What two readers could read in two ways, or leads nowhere public, is refused before anything is looked up."""
    with pytest.raises(UnusableAddress):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "query"),
    [
        ("https://example.com", "example.com", 443, "/", ""),
        ("https://EXAMPLE.com.:8443/a b".replace(" ", "%20"), "example.com", 8443, "/a%20b", ""),
        ("https://bücher.example/ü?q=ü", "xn--bcher-kva.example", 443, "/%C3%BC", "q=%C3%BC"),
        ("https://93.184.216.34/x", "93.184.216.34", 443, "/x", ""),
        ("https://[2606:4700:0:0::1111]/x", "2606:4700::1111", 443, "/x", ""),
    ],
)
def test_taken_apart(url, host, port, path, query):
    """A URL has one reading: host in its one spelling, path and query encoded."""
    found = read_url(url)
    assert (host, port, path, query) == (found.host, found.port, found.path, found.query)


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://127.0.0.1:9000/", "127.0.0.1:9000"),
        ("http://localhost:9000/", "LOCALHOST"),
        ("https://10.0.0.5/", "10.0.0.5"),
        ("https://hooks.internal:8443/", "hooks.internal:8443"),
        ("https://[fd00::1]:8443/", "[fd00::1]:8443"),
    ],
)
def test_listed(url, listed):
    """What the operator lists is allowed, by host or by host and port."""
    assert read_url(url, [listed]).listed


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://127.0.0.1:9001/", "127.0.0.1:9000"),
        ("http://hooks.internal/", "hooks.internal"),
        ("http://10.0.0.5/", "10.0.0.5"),
        ("https://10.0.0.6/", "10.0.0.5"),
    ],
)
def test_not_listed(url, listed):
    """Another port or address than the listed one is refused, and so is plain http to another machine."""
    with pytest.raises(UnusableAddress):
        read_url(url, [listed])


@given(st.text(max_size=60))
def test_any_text(text: str):
    """Any text is either refused or read as a host that cannot hold a port, a path, a user or a blank."""
    try:
        found = read_url(f"https://{text}")
    except UnusableAddress:
        return
    assert not set(found.host) & set("/@?#\\ %[]")
    assert found.host == read_host(found.host)
