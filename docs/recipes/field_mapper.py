"""Which fields a form may offer to be mapped, each with its type and choices."""


def offer_fields(call, resource):
    fields = call("GET", "/crm/fields", params={"entity_type": resource, "limit": 500})["result"]
    return [
        {"name": field["unified_name"], "label": field["label"], "type": field["type"], "options": field["options"]}
        for field in fields
        if field["is_editable"] and field["unified_name"]
    ]
