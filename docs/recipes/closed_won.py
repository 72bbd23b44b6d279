"""A won deal becomes a project with its tasks; the deal's id keeps it to one of each."""


def kick_off(call, deal, tasks):
    won = call("PATCH", f"/crm/opportunities/{deal}", json={"status": "won"})
    body = {"name": won["name"], "opportunity": [{"id": deal}]}
    if won["account"]:
        body["account"] = {"id": won["account"]["id"]}
    project = call("POST", "/crm/projects", json=body, headers={"Idempotency-Key": f"project of {deal}"})
    for subject in tasks:
        task = {"subject": subject, "project": {"id": project["id"]}}
        call("POST", "/crm/tasks", json=task, headers={"Idempotency-Key": f"{subject} of {deal}"})
    return project
