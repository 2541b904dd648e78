"""Implementations to check, and to copy and start from."""
