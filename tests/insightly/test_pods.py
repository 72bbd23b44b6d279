"""Where keys may be sent."""

import pytest

from crosswalk.insightly.errors import HostRefused
from crosswalk.insightly.pods import base_url, is_loopback, this_machine

SANDBOX = "http://127.0.0.1:8931/v3.1"


@pytest.mark.parametrize("pod", ["na1", "eu1", "au1", "na2", "xy9"])
def test_any_pod(pod):
    """A pod is data: any short name makes a host."""
    assert f"https://api.{pod}.insightly.com/v3.1" == base_url(pod=pod)


@pytest.mark.parametrize("pod", ["", "evil.example/", "na1.insightly.com", "NA 1", "a" * 40, "na1@evil", "x#", "é"])
def test_no_pod(pod):
    """What could make another host is refused."""
    with pytest.raises(HostRefused):
        base_url(pod=pod)


@pytest.mark.parametrize(
    "whole",
    [
        "https://api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com/v3.1/",
        "https://API.NA1.insightly.com:443/v3.1",
    ],
)
def test_whole(whole):
    """A whole URL of Insightly's needs no leave."""
    assert "https://api.na1.insightly.com/v3.1" == base_url(whole=whole)


def test_bare_host():
    """The host without a pod is Insightly's as well."""
    assert "https://api.insightly.com/v3.1" == base_url(whole="https://api.insightly.com/v3.1")


@pytest.mark.parametrize(
    "whole",
    [
        "http://api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com/v2.2",
        "https://api.na1.insightly.com.evil.example/v3.1",
        "https://evil.example/api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com@evil.example/v3.1",
        "https://key:@api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com:8443/v3.1",
        "https://api.na1.insightly.com/v3.1?x=1",
        "https://api.na1.insightly.com/v3.1#x",
        "https://xapi.na1.insightly.com/v3.1",
        "ftp://api.na1.insightly.com/v3.1",
        "https://127.0.0.1/v3.1",
        SANDBOX,
        "https://[::1/v3.1",
        "https://api.na1.insightly.com:x/v3.1",
        "v3.1",
        "",
    ],
)
def test_refused(whole):
    """Nothing else gets a key unless it is allowed by name."""
    with pytest.raises(HostRefused):
        base_url(whole=whole)


def test_allowed_loopback():
    """A loopback host that is allowed may be plain http."""
    assert SANDBOX == base_url(whole=SANDBOX, allow_hosts={"127.0.0.1:8931"})
    assert "http://localhost:1/v3.1" == base_url(whole="http://localhost:1/v3.1/", allow_hosts=["localhost:1"])
    assert "http://[::1]:5/x" == base_url(whole="http://[::1]:5/x", allow_hosts=["[::1]:5"])


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.1:8932", "127.0.0.1:80", "localhost:8931"])
def test_the_port_counts(allowed):
    """Leave is for one host and one port."""
    with pytest.raises(HostRefused, match=r"Allow the host '127\.0\.0\.1:8931'"):
        base_url(whole=SANDBOX, allow_hosts=[allowed])


def test_allowed_host_elsewhere():
    """Another host that is allowed needs https."""
    assert "https://crm.example/x" == base_url(whole="https://crm.example/x", allow_hosts=["CRM.example"])
    with pytest.raises(HostRefused, match="unencrypted"):
        base_url(whole="http://crm.example/x", allow_hosts=["crm.example"])


def test_one_of_both():
    """A pod or a base URL, not both, not neither."""
    with pytest.raises(HostRefused, match="No pod"):
        base_url()
    with pytest.raises(HostRefused, match="Give one"):
        base_url(pod="na1", whole="https://api.na1.insightly.com/v3.1")


def test_no_password_in_a_message():
    """What stands before the host is never repeated."""
    with pytest.raises(HostRefused) as caught:
        base_url(whole="https://my-secret:@evil.example/v3.1?key=my-secret")
    assert "my-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "is_it"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("x.y", False)]
)
def test_loopback(host, is_it):
    """This machine, by any name."""
    assert is_it == is_loopback(host)


@pytest.mark.parametrize("whole", [None, "", "https://crm.example/x", "http://a@127.0.0.1:1/x", "https://[::1/x"])
def test_not_this_machine(whole):
    """Nothing else is allowed by being typed."""
    assert () == this_machine(whole)


def test_this_machine():
    """A host of this machine is named with its port."""
    assert ("127.0.0.1:8931",) == this_machine(SANDBOX)
