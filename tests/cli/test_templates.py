"""`crosswalk templates` lists and explains; and the calls below a record do what their templates say."""

import json

import pytest
from click.testing import CliRunner

from crosswalk.cli import main
from crosswalk.contract import load
from crosswalk.delivery.payload import make_payload
from crosswalk.delivery.plan import Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.template import TEMPLATES, find_template
from crosswalk.insightly import Insightly


@pytest.fixture
def templates():
    """Runs the command."""
    return lambda *words: CliRunner().invoke(main, ["templates", *words])


def test_every_template_is_listed(templates):
    """The list is JSON for machines, each template an object with its call."""
    listed = json.loads(templates("--json").stdout)
    assert [*TEMPLATES] == [each["name"] for each in listed]
    assert {"method": "POST", "path": "/Contacts"}.items() <= listed[0].items()


def test_one_template_is_explained(templates):
    """One template says its call, its parameter, its fields, and what to mind."""
    said = templates("set-opportunity-stage").stdout
    for words in ("PUT /Opportunities/{id}/PipelineStage", "Opportunity ID", "Required: STAGE_ID", "own pipeline"):
        assert words in said


def test_a_slip_is_answered(templates):
    """A name that is nearly right is status 2, and is answered with the right one."""
    done = templates("add-contact-nte")
    assert 2 == done.exit_code
    assert "Did you mean add-contact-note" in done.output


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("add-contact-note", {"TITLE": "Hello", "BODY": "There"}),
        ("add-contact-link", {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": "{organisations}"}),
        ("add-contact-tag", {"TAG_NAME": "vip"}),
        ("remove-contact-tag", {"TAG_NAME": "vip"}),
        ("set-opportunity-pipeline", {"PIPELINE_ID": "{pipelines}"}),
        ("set-opportunity-stage", {"STAGE_ID": "{pipeline_stages}"}),
        ("set-opportunity-state", {"FOR_OPPORTUNITY_STATE": "ABANDONED"}),
        ("leave-opportunity-pipeline", {}),
        ("update-note", {"TITLE": "Changed"}),
        ("create-event", {"TITLE": "Call", "START_DATE_UTC": "2026-01-31 10:00", "END_DATE_UTC": "2026-01-31 11:00"}),
        ("create-task", {"TITLE": "Call"}),
        ("create-project", {"PROJECT_NAME": "Move", "STATUS": "in progress"}),
    ],
)
async def test_templates_work(sandbox, name, row):
    """Insightly takes the call that a template makes of a row."""
    template = find_template(name)

    def first(table):
        records = sandbox.instance.tables[table]
        return str(records.get(next(iter(records.all())), records.schema.id))

    row = {key: first(value.strip("{}")) if value.startswith("{") else value for key, value in row.items()}
    fields = tuple((key, key) for key in row)
    if template.names_record:
        row["id"] = first(load().resources[template.resource].key)
    plan = Plan(call=template, fields=fields, id_column="id" if template.names_record else None)
    made = make_payload(settle_plan(plan, load(), Rows((*row,)), base_url=None, now=None), row)
    host = sandbox.url.removeprefix("http://")
    async with Insightly(sandbox.key, base_url=sandbox.base_url, allow_hosts=[host], rate=None) as crm:
        match name:
            case "set-opportunity-stage":
                inside = {"PIPELINE_ID": int(first("pipelines"))}
                await crm.request("PUT", f"/Opportunities/{row['id']}/Pipeline", json=inside)
            case "remove-contact-tag":
                await crm.request("POST", f"/Contacts/{row['id']}/Tags", json={"TAG_NAME": "vip"})
        answer = await crm.request(made.method, made.path, json=made.body)
    assert answer.status in {200, 201, 202}
