"""One file a revision, named `0001_accounts.py`."""
