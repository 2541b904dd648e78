"""Checks of the page of the same stem."""
