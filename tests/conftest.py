"""Hypothesis profiles: ``ci`` repeats itself exactly; ``dev`` looks somewhere new each time (HYPOTHESIS_PROFILE)."""

import os

from hypothesis import HealthCheck, settings

# Quadrature takes its time, and drawing two networks draws many numbers: neither says that a strategy is bad.
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "ci", derandomize=True, database=None, deadline=None, max_examples=20, suppress_health_check=slow
)
settings.register_profile("dev", deadline=None, max_examples=50, print_blob=True, suppress_health_check=slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
