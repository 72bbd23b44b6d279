"""The unified CRM and user-directory models: one shape of every resource, mapped onto Insightly's both ways."""
