"""Write the generated pages, or with --check fail when one is stale."""
