"""What happens at Insightly and in Crosswalk, and what is done about it.

Two halves share this room. One finds out and tells: `change*.py` and `sweep*.py` compare Insightly with what was seen
before, `hint*.py` takes the webhooks of Insightly's own workflows, `event*.py` and `subscription*.py` tell of it.
The other half, the automations: recipes (`recipe.py`, `kickoff.py`) plan, `firing.py` keeps, `carrying.py` carries out,
`work.py` looks and goes on. Whoever wants events begins with `events_after` of `events`:

    async for event in follow(database, after=cursor, stop=stop): ...     # waits for new ones
    events = await events_after(database, cursor, most=100)               # those that there are
    cursor = events[-1].number                                            # keep it in the commit of what was done

Events are numbered without gaps in the order of their commits. Whoever keeps the number of the last event in the same
transaction as what came of it does each event once, whenever the process dies. An event is an `event.Event`:
`type` (`record:created`, `record:updated`, `record:deleted`, `integrated_account:…`, `run:…`, `lane:…`), `account_id`,
`resource` and `record_id` (of a record: its unified name and id) and `data`, JSON that `event.RecordChange` reads for
records: the record as it is in the unified model, and what changed, before and after.
"""
