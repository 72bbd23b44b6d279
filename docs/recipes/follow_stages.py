"""Stages follow each other: an endpoint hears of Insightly's, and a stage that comes in moves the deal."""


def prepare(call, account, pipeline, stages, endpoint):
    pairs = [{"stage": ours, "external": theirs} for ours, theirs in stages]
    settings = {"pipeline": pipeline, "stages": pairs, "endpoint": endpoint, "conflict": "newest"}
    draft = {"name": "stages", "kind": "pipeline_sync", "account": account, "settings": settings}
    return call("POST", "/automations", json=draft)


def came_in(call, change):
    said = {"id": change["id"], "opportunity": change["deal"], "stage": change["stage"]}
    return call("POST", "/automations/stages/fire", json={"input": said})["state"]
