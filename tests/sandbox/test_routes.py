"""Paths to operations: the table of routes, from the contract and from what working programs call."""

import pytest

from crosswalk.contract import load
from crosswalk.sandbox.routes import Found, Unknown, WrongVerb, make_routes, split_path

OPERATIONS = [(resource.name, operation) for resource in load().resources.values() for operation in resource.operations]


def find(verb: str, path: str, **query: str):
    """Find a path as it is sent."""
    return make_routes().find(verb, split_path(path), query)


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=lambda value: getattr(value, "path", None))
def test_every_operation_has_its_route(name, operation):
    """Each of the contract's operations is found at its own path, with its own parameters."""
    path = operation.path.replace("{objectName}", "Fruit__c" if operation.path.startswith("/{") else "Contacts")
    path = path.replace("{", "x-").replace("}", "")
    found = find(operation.verb, path)
    assert (name, operation) == (found.route.resource.name, found.route.operation)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/contacts", {}),
        ("/CONTACTS/", {}),
        ("//Contacts//7/", {"id": "7"}),
        ("/Contact/7", {"id": "7"}),
        ("/Organizations/7", {"id": "7"}),
        ("/organization/7/links", {"id": "7"}),
        ("/Project/7", {"id": "7"}),
        ("/Opportunity/7/Links", {"id": "7"}),
        ("/Contacts/a%2Fb", {"id": "a/b"}),
        ("/fruit__C/7", {"objectName": "fruit__C", "id": "7"}),
    ],
)
def test_spellings_that_programs_use(path, params):
    """Case, slashes, singular and US names do not matter; escaped slashes stay in their segment."""
    found = find("GET", path)
    assert params == found.params({})


@pytest.mark.parametrize("word", ["Search", "searchbytag"])
def test_names_come_before_ids(word):
    """`Search` is a route of its own and never the id of a record."""
    assert {} == find("GET", f"/Contacts/{word}").params({})


def test_me_is_a_user():
    """`/Users/Me` is not a user whose id is Me."""
    assert "/Users/Me" == find("GET", "/users/me").route.operation.path


def test_put_on_the_record():
    """PUT works on `/X/{id}` though the document has it on `/X` alone."""
    found = find("PUT", "/Leads/7")
    assert ("/Leads", {"id": "7"}) == (found.route.operation.path, found.params({}))


def test_put_on_a_record_of_a_custom_object():
    """PUT works on one record of a custom object too."""
    assert {"objectName": "Fruit__c", "id": "7"} == find("PUT", "/Fruit__c/7").params({})


def test_delete_by_query():
    """`DELETE /X/?id=N` deletes as `DELETE /X/N` does."""
    found = find("DELETE", "/Contacts/", id="7")
    assert ("/Contacts/{id}", {"id": "7"}) == (found.route.operation.path, found.params({"id": "7"}))


def test_delete_of_a_whole_collection():
    """DELETE of a collection without an id is a wrong verb, not a catastrophe."""
    assert WrongVerb(("GET", "PUT", "POST")) == find("DELETE", "/Contacts")


@pytest.mark.parametrize(
    ("verb", "path"),
    [("POST", "/Notes"), ("GET", "/Comments"), ("PATCH", "/Contacts/7"), ("OPTIONS", "/Contacts"), ("POST", "/Users")],
)
def test_wrong_verbs(verb, path):
    """A known path with a verb that it lacks is told apart from an unknown path."""
    assert isinstance(find(verb, path), WrongVerb)


REFUSED = [name for resource in load().resources.values() for name in resource.refused]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_plurals(name):
    """The plural of a singular collection is there for no verb."""
    assert WrongVerb(()) == find("GET", f"/{name.lower()}/7")


@pytest.mark.parametrize("path", ["/", "/Nothing", "/Contacts/7/Nothing", "/Leads/7/Links", "/Contacts/7/Links/8/9"])
def test_unknown_paths(path):
    """What the contract lacks is unknown; leads have no links."""
    assert Unknown() == find("GET", path)


@pytest.mark.parametrize(
    ("verb", "path", "spelled"),
    [
        ("GET", "//contact/7/", "Contacts/7"),
        ("PUT", "/contacts/7", "Contacts/7"),
        ("GET", "/ORGANIZATIONS/7/emaildomains", "Organisations/7/EmailDomains"),
        ("GET", "/contacts/search", "Contacts/Search"),
        ("GET", "/Fruit__c/7", "Fruit__c/7"),
    ],
)
def test_path_as_the_contract_spells_it(verb, path, spelled):
    """Faults are scripted on one spelling, whatever the program sent."""
    found = find(verb, path)
    assert isinstance(found, Found)
    assert spelled == found.path


def test_what_a_route_touches():
    """A sub-route reaches two resources, so that a plan can close it for either."""
    assert ("Opportunities", "OpportunityLineItem") == find("GET", "/Opportunities/7/OpportunityLineItem").route.touches
