"""The hub over HTTP: one file a resource, errors rendered once, OpenAPI 3.1."""
