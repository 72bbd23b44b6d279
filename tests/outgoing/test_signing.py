"""Signatures as receivers check them."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from crosswalk.outgoing.errors import UnusableEndpoint
from crosswalk.outgoing.signing import check_secret, make_secret, sign


def test_every_secret_verifies():
    """While secrets overlap, a receiver that knows any one of them accepts the message; another one does not."""
    secrets = [make_secret(), make_secret()]
    headers = dict(sign(b'{"a":"\xc3\xbc"}', message="msg_1", at=datetime.now(UTC), secrets=secrets))
    assert [{"a": "ü"}] * 2 == [Webhook(each).verify(b'{"a":"\xc3\xbc"}', headers) for each in secrets]
    with pytest.raises(WebhookVerificationError):
        Webhook(make_secret()).verify(b'{"a":"\xc3\xbc"}', headers)


def test_known_signature():
    """The signature is HMAC-SHA256 over id, time and body, as the specification's example has it."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign(b'{"test": 2432232314}', message="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at, secrets=[secret])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "c2VjcmV0" * 6, "whsec_" + "A" * 400, "whsec_ä"])
def test_unusable_secret(secret):
    """A secret that is short, long, or no base64 is refused."""
    with pytest.raises(UnusableEndpoint):
        check_secret(secret)
