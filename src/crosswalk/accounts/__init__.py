"""Integrated accounts, and the vault that seals their credentials."""
