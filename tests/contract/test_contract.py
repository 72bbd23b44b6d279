"""The contract: complete, consistent, quick to load."""

import msgspec
import pytest

from crosswalk.contract import UnknownResource, load

CONTRACT = load()


def test_complete():
    """Every resource and operation of the official document is there."""
    assert (54, 530) == (len(CONTRACT.resources), sum(len(r.operations) for r in CONTRACT.resources.values()))


def test_loaded_once():
    """Loading twice gives the same frozen value."""
    assert load() is load()


def test_frozen():
    """Nobody can change a fact at run time."""
    with pytest.raises(AttributeError):
        CONTRACT.resources["Contacts"].id = "X"
    with pytest.raises(TypeError):
        CONTRACT.resources["Contacts"] = None


@pytest.mark.parametrize("name", sorted(CONTRACT.resources))
def test_shapes_exist(name):
    """Every body, answer and item that is named can be looked up."""
    resource = CONTRACT.resources[name]
    named = {shape for op in resource.operations for shape in (op.answers, op.body) if shape}
    named |= {field.items for field in resource.fields if field.items}
    for shape in named - {"bytes", "integer", "string"}:
        assert CONTRACT.shape(shape)


@pytest.mark.parametrize("name", sorted(CONTRACT.resources))
def test_evidence_has_a_source(name):
    """Every piece of evidence names sources that the list of sources explains."""
    resource = CONTRACT.resources[name]
    for part in (*resource.fields, *resource.operations):
        for evidence in part.evidence:
            assert evidence.says
            assert set(evidence.source.split()) <= set(CONTRACT.sources)


def test_facts_have_a_source():
    """So does every fact about the whole API, on both sides."""
    for fact in CONTRACT.facts.values():
        assert set(fact.source.split()) <= set(CONTRACT.sources)


@pytest.mark.parametrize("name", sorted(CONTRACT.resources))
def test_id_is_first_field(name):
    """A record's own id is its first key, as recorded."""
    resource = CONTRACT.resources[name]
    assert resource.id in {None, *(f.name for f in resource.fields[:1])} or name == "PipelineStages"


@pytest.mark.parametrize("spelling", ["Contacts", "contacts", "CONTACTS", "/Contacts/", "Contact"])
def test_found_by_any_served_name(spelling):
    """Lookup takes Insightly's spelling in any case, our key, and the other names that are served."""
    assert CONTRACT.resources["Contacts"] is CONTRACT.resource(spelling)


def test_unknown_resource_names_the_near_ones():
    """A typing slip is answered with the names it may have meant."""
    with pytest.raises(UnknownResource, match="Did you mean Contacts"):
        CONTRACT.resource("Contcts")


def test_round_trip():
    """The data survives its own encoding, so nothing in it is lost on the way in."""
    for resource in CONTRACT.resources.values():
        assert resource == msgspec.json.decode(msgspec.json.encode(resource), type=type(resource))


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("Contacts", "FIRST_NAME", (255, True, True, True)),
        ("Contacts", "CONTACT_ID", (None, True, True, False)),
        ("Opportunities", "OPPORTUNITY_VALUE", (None, False, False, False)),
        ("Leads", "LAST_NAME", (255, True, True, True)),
        ("Leads", "LEAD_SOURCE_ID", (None, True, True, False)),
        ("Tasks", "TITLE", (500, True, True, True)),
    ],
)
def test_known_fields(name, field, expected):
    """Spot checks against the official document: length, in POST, in PUT, required on create."""
    found = CONTRACT.resources[name].field[field]
    assert expected == (found.max_length, found.post, found.put, found.required)
