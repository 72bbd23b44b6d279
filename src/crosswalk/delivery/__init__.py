"""Records into Insightly: rows read, payloads made and checked, each row settled in the journal."""
