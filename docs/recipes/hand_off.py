"""Won deals become projects with tasks by themselves: an automation, rehearsed on one deal, then fired for it."""


def hand_off(call, account, deal, tasks):
    settings = {"name": "{name}: delivery", "tasks": [{"title": title, "due": 2} for title in tasks]}
    call("POST", "/automations", json={"name": "hand-off", "kind": "kickoff", "account": account, "settings": settings})
    deal = {"input": {"opportunity": deal}}
    calls = [step["call"] for step in call("POST", "/automations/hand-off/dry-run", json=deal)["steps"]]
    return calls, call("POST", "/automations/hand-off/fire", json=deal)
