"""The columns of a deal board: the stages of a pipeline in their order, each with its open deals."""


def read_board(call, pipeline):
    stages = [
        each
        for each in call("GET", "/crm/stages", params={"limit": 500})["result"]
        if each["pipeline"]["id"] == pipeline
    ]
    deals = call("GET", "/crm/opportunities", params={"status": "open", "limit": 500})["result"]
    return [
        {"stage": stage["name"], "deals": [deal for deal in deals if (deal["stage"] or {}).get("id") == stage["id"]]}
        for stage in sorted(stages, key=lambda stage: stage["position"])
    ]


def move_deal(call, deal, stage):
    return call("PATCH", f"/crm/opportunities/{deal}", json={"stage": {"id": stage}})
