"""What hangs below one record, and what is done to it, against the sandbox."""

import pytest

from crosswalk.insightly import BadRequest, Date, EmailDomain, InUse, LimitReached, NotDone, NotFound, Refused, Tag


@pytest.fixture
async def contact(crm):
    """Some contact."""
    return crm.contacts.at((await crm.contacts.list(top=1))[0].contact_id)


@pytest.fixture
async def deal(crm):
    """Some opportunity."""
    return crm.opportunities.at((await crm.opportunities.list(top=1))[0].opportunity_id)


async def names(contact):
    """The tags of a record."""
    return {tag.tag_name for tag in await contact.tags.list()}


async def test_tags(contact):
    """Tags are added one by one, replaced all at once, and taken away by name."""
    await contact.tags.replace([])
    await contact.tags.create({"tag_name": "a"})
    assert {"a"} == await names(contact)
    await contact.tags.replace([Tag(tag_name="b"), {"TAG_NAME": "c"}])
    assert {"b", "c"} == await names(contact)
    await contact.tags.remove(Tag(tag_name="b"))
    assert {"c"} == await names(contact)


async def test_dates(contact):
    """Dates are replaced as a whole."""
    put = await contact.dates.replace([Date(occasion_name="Birthday", repeat_yearly=True)])
    assert ["Birthday"] == [date.occasion_name for date in put]
    assert put == await contact.dates.list()


async def test_email_domains(crm):
    """So are an organisation's email domains."""
    organisation = crm.organisations.at((await crm.organisations.list(top=1))[0].organisation_id)
    await organisation.email_domains.replace([EmailDomain(email_domain="example.com")])
    assert ["example.com"] == [each.email_domain for each in await organisation.email_domains.list()]


async def test_following(contact):
    """Follow, ask, follow no longer."""
    await contact.follow()
    assert await contact.following()
    await contact.unfollow()
    assert not await contact.following()


async def test_pipeline_and_stage(crm, deal):
    """An opportunity is put into a pipeline, moved along it and taken out."""
    pipeline = next(each for each in await crm.pipelines.list() if each.for_opportunities)
    stages = [each for each in await crm.pipeline_stages.list() if each.pipeline_id == pipeline.pipeline_id]
    await deal.set_pipeline(pipeline.pipeline_id, stages[0].stage_id)
    await deal.set_stage(stages[1].stage_id)
    seen = await crm.opportunities.get(deal.id)
    assert (pipeline.pipeline_id, stages[1].stage_id) == (seen.pipeline_id, seen.stage_id)
    await deal.clear_pipeline()
    assert (await crm.opportunities.get(deal.id)).pipeline_id is None


async def test_state(crm, deal):
    """A change of state is kept in the history."""
    await deal.set_state("WON")
    assert "WON" == (await crm.opportunities.get(deal.id)).opportunity_state
    assert "WON" in {state.for_opportunity_state for state in await deal.state_history.list()}


async def test_files(crm, contact):
    """A file goes up with its name and type, and comes down byte for byte."""
    data = bytes(range(256)) * 40
    file = await contact.attach("über.bin", data, content_type="application/x-test")
    assert file.file_id in {each.file_id for each in await contact.files.list()}
    assert ("über.bin", len(data)) == ((await crm.file_attachments.get(file.file_id)).file_name, file.file_size)
    assert data == await crm.download(file.file_id)
    await crm.file_attachments.delete(file.file_id)
    with pytest.raises(NotFound):
        await crm.download(file.file_id)


async def test_image(contact):
    """An image is put, read and removed."""
    await contact.set_image("a.png", b"\x89PNG picture")
    assert b"\x89PNG picture" == await contact.image()
    await contact.remove_image()
    with pytest.raises(Refused):
        await contact.image()


async def test_comments(crm):
    """A comment is made below a task, and changed and deleted by itself."""
    task = crm.tasks.at((await crm.tasks.list(top=1))[0].task_id)
    made = await task.comments.create({"BODY": "First"})
    assert made.comment_id in {each.comment_id for each in await task.comments.list()}
    await crm.comments.delete(made.comment_id)
    assert made.comment_id not in {each.comment_id for each in await task.comments.list()}


async def test_milestones(crm):
    """Milestones are written below their project."""
    project = crm.projects.at((await crm.projects.list(top=1))[0].project_id)
    made = await project.milestones.create({"TITLE": "Done", "COMPLETED": False, "DUE_DATE": "2027-01-01"})
    assert "Done" == (await crm.milestones.get(made.milestone_id)).title
    await project.milestones.delete(made.milestone_id)


async def test_error_kinds(crm):
    """A category in use, and a wrong link, are errors of their own."""
    with pytest.raises(BadRequest):
        await crm.contacts.at((await crm.contacts.list(top=1))[0].contact_id).links.create(
            {"LINK_OBJECT_NAME": "Organisations", "LINK_OBJECT_ID": 1}
        )
    assert all(issubclass(kind, Refused) for kind in (InUse, LimitReached, NotDone))
