"""Hypothesis profiles: ``ci`` repeats itself exactly; ``dev`` looks somewhere new each time (HYPOTHESIS_PROFILE)."""

import os

# One thread for each process: pytest-xdist has the cores already, and small matrices gain nothing from a second thread.
# Before anything imports NumPy, which reads this once.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from hypothesis import HealthCheck, settings  # noqa: E402

# Quadrature takes its time, and drawing two networks draws many numbers: neither says that a strategy is bad.
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "ci", derandomize=True, database=None, deadline=None, max_examples=20, suppress_health_check=slow
)
settings.register_profile("dev", deadline=None, max_examples=50, print_blob=True, suppress_health_check=slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
