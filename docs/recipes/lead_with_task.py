"""A new lead, and a task of high priority for whoever follows it up."""


def capture_lead(call, form, follower):
    lead = call(
        "POST", "/crm/leads/upsert", json={"last_name": form["name"], "email_addresses": [{"email": form["email"]}]}
    )
    task = {
        "subject": f"Follow up {form['name']}",
        "priority": "high",
        "assignee": {"email": follower},
        "lead": [{"id": lead["id"]}],
    }
    return lead, call("POST", "/crm/tasks", json=task, headers={"Idempotency-Key": f"follow up {form['email']}"})
