"""Templates: what they name, and what a slip of the pen is answered."""

import pytest

from crosswalk.contract import load
from crosswalk.delivery.errors import UnknownTemplate
from crosswalk.delivery.template import TEMPLATES, find_template

SEED = ("create-contact", "create-opportunity", "update-contact", "delete-contact", "update-opportunity")


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda t: t.name)
def test_templates_name_what_insightly_serves(template):
    """Every template's call is an operation of the contract."""
    suffix = "/{id}" if template.action == "delete" else ""
    assert load().resources[template.resource].serves(template.method, suffix)


@pytest.mark.parametrize("name", SEED)
def test_templates_by_name(name):
    """A template is found by its name."""
    assert name == find_template(name).name


def test_unknown_template():
    """A name that is nearly right is answered with the right one."""
    with pytest.raises(UnknownTemplate, match="Did you mean create-contact"):
        find_template("creat-contact")
