"""The ordinary differential equation with the marginals of an SDE (page 25)."""

from refimpl.sdes.time_reversal import reverse_drift
from refimpl.vocabulary import SDE, TimeField


def probability_flow(sde: SDE, score: TimeField) -> TimeField:
    """v(x, t) = f(x, t) − ½ g(t)² s(x, t).   (PF.4)

    score  s(x, t) = ∇ log p_t(x);  returns the field (x, t) -> (…, D)
    Along dx/dt = v every p_t is carried into every other, in either direction of time.
    Raises ValueError for an SDE without its methods, or a score that changes the shape.
    Source: Song et al. 2021, section 4.3.
    """
    return reverse_drift(sde, score, 0.0)  # (PF.4)
