"""Diagnostics: what a sample says about a model."""
