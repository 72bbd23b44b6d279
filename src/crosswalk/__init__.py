"""Crosswalk: the self-hosted integration hub for Insightly CRM."""

__version__ = "0.1.0"
