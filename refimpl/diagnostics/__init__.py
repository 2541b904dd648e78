"""Diagnostics: what a sample says about a model."""

from refimpl.diagnostics.kernel_stein_discrepancy import imq, kernel_stein_discrepancy, rbf, stein_kernel

__all__ = ["imq", "kernel_stein_discrepancy", "rbf", "stein_kernel"]
