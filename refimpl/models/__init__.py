"""Models: networks whose parameters are a plain list, and what an energy means as a density.

The functions come last, so that ``refimpl.models.energy`` is the energy network and not the module of page 10.
"""

from refimpl.models import coupling_flow
from refimpl.models.energy import log_partition
from refimpl.models.mlp import energy, energy_score, mlp, score, time_score

__all__ = ["coupling_flow", "energy", "energy_score", "log_partition", "mlp", "score", "time_score"]
