"""Nexla's portable keys: read, refused with the reason, and written back unchanged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crosswalk.delivery.envelope import ResponseWebhook
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.nexla import export_sink, import_sink
from crosswalk.delivery.settings import Batches, Settings

BASE = "https://api.na1.insightly.com/v3.1"
PLAIN: dict[str, Any] = {"url.template": f"{BASE}/Contacts", "method": "POST"}
WHOLE: dict[str, Any] = PLAIN | {
    "content.type": "application/json",
    "body.template": '{"FIRST_NAME":"{record.first}","LEAD_SOURCE":"web"}',
    "request.headers": 'X-From:nexla,X-Note:"a, b"',
    "batch.mode": True,
    "max.poll.records": 50,
    "body.transform.function": "json_array",
    "create.datasource": True,
}
MEANT = Settings(
    method="POST",
    url=f"{BASE}/Contacts",
    headers={"X-From": "nexla", "X-Note": "a, b"},
    fields={"FIRST_NAME": "first"},
    constants={"LEAD_SOURCE": "web"},
    grouping=Batches(algorithm="json_array", size=50),
    response_webhook=ResponseWebhook(),
)
NESTED = {"url": {"template": f"{BASE}/Contacts"}, "method": "POST"}


def test_meaning():
    """Every key becomes the setting that means the same."""
    assert MEANT == replace(import_sink(WHOLE).settings, nexla={})


@pytest.mark.parametrize(
    "document",
    [
        NESTED,
        {"sink_config": PLAIN},
        {"data_sink": {"name": "people", "sink_config": NESTED}},
        {"config": {"url.template": f"{BASE}/Contacts", "method": "post", "batch": {"mode": "false"}}},
    ],
)
def test_shapes(document: dict[str, Any]):
    """A configuration is found flat or nested, bare or in its document."""
    settings = import_sink(document).settings
    assert ("POST", f"{BASE}/Contacts", None) == (settings.method, settings.url, settings.grouping)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"ignore.ssl.cert.validation": True}, "always checks"),
        ({"ignore": {"ssl": {"cert": {"validation": "true"}}}}, "always checks"),
        ({"auth.type": "API_KEY"}, "BASIC only"),
        ({"credential.mode": "AWS_SIGNATURE"}, "BASIC only"),
        ({"method": "GET"}, "method is 'GET'"),
        ({"url.template": ""}, "url.template is missing"),
        ({"content.type": "text/xml"}, "application/json only"),
        ({"request.headers": "Authorization:x"}, "sets Authorization itself"),
        ({"request.headers": "A:1,a:2"}, "a twice"),
        ({"body.template": "Hello {record.first}"}, "cannot be kept"),
        ({"body.template": '{"FIRST_NAME":"Dear {record.first}"}'}, "mixes text and macros"),
        ({"batch.mode": True, "max.poll.records": 501}, "1 to 500"),
        ({"batch.mode": True, "body.transform.function": "own"}, "Take the key out"),
        ({"batch.mode": "maybe"}, "Write true or false"),
        ({"batch.mode": [1]}, "batch.mode is list"),
    ],
)
def test_refused(more: dict[str, Any], says: str):
    """What would change the calls if it were left out is refused with its reason."""
    with pytest.raises(PlanError, match=says):
        import_sink(PLAIN | more)


def test_notes():
    """What is left out without changing the calls is named, and never by its value."""
    document = {"nexset_id": 7, "sink_config": PLAIN | {"api.secret": "hunter2", "ignore.ssl.cert.validation": False}}
    notes = import_sink(document).notes
    assert (True, True, False) == ("nexset_id" in notes[0], "api.secret" in notes[1], "hunter2" in str(notes))


TEXTS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)
CONFIGS = st.fixed_dictionaries(
    {
        "url.template": st.sampled_from([f"{BASE}/Contacts", f"{BASE}/Contacts/{{record.id}}"]),
        "method": st.sampled_from(["POST", "put", "DELETE"]),
    },
    optional={
        "content.type": st.sampled_from(["application/json", "application/json; charset=utf-8"]),
        "body.template": st.sampled_from(["{message.json}", '{ "FIRST_NAME" : "{record.a}" , "TITLE" : 5 }']),
        "request.headers": st.dictionaries(TEXTS.map(lambda text: f"X-{text.lower()}"), TEXTS, max_size=3).map(
            lambda pairs: ", ".join(f"{name}: {value}" for name, value in pairs.items())
        ),
        "batch.mode": st.sampled_from([True, False, "true", "False"]),
        "max.poll.records": st.integers(1, 500) | st.integers(1, 500).map(str),
        "body.transform.function": st.sampled_from(["JSON Array", "property_in_object"]),
        "create.datasource": st.booleans(),
    },
)


@given(CONFIGS)
def test_round_trip(config: dict[str, Any]):
    """What is imported is exported with the same keys and values."""
    assert config == export_sink(import_sink(config).settings, base_url=BASE).config


@given(CONFIGS)
def test_exports_mean_the_same(config: dict[str, Any]):
    """Keys written anew are read back as the same settings."""
    settings = replace(import_sink(config).settings, nexla={})
    again = import_sink(export_sink(settings, base_url=BASE).config).settings
    assert settings == replace(again, nexla={})


def test_change_after_import():
    """A key whose meaning was changed since is written anew; the others stay as they were."""
    imported = import_sink(WHOLE | {"method": "post"}).settings
    changed = replace(imported, headers={})
    want = {name: value for name, value in WHOLE.items() if name != "request.headers"} | {"method": "post"}
    assert want == export_sink(changed, base_url=BASE).config


def test_template_is_written_as_a_call():
    """A template's call is written out with its URL, and what has no key there is named."""
    made = export_sink(Settings(template="update-contact", id_column="id", fields={"PHONE": "p"}), base_url=BASE)
    lossy = export_sink(Settings(template="create-contact", match="EMAIL_ADDRESS", exclude=("a",)), base_url=BASE)
    assert (f"{BASE}/Contacts/{{record.id}}", "PUT", 2) == (
        made.config["url.template"],
        made.config["method"],
        len(lossy.notes),
    )
