"""Test vectors: cases with what is right, as files that any language can read (``derivations/vectors.md``)."""

FORMAT = "refimpl-vectors/1"
UNCAUGHT = 100.0  # a mistake is caught by a case that it misses by at least as many tolerances
