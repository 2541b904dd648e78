"""Maximum likelihood of a density that is known up to its normaliser (page 30)."""

from refimpl import inputs
from refimpl.vocabulary import Array, LogProb


def maximum_likelihood(log_density: LogProb, log_normaliser: Array, x: Array) -> Array:
    """log Z − f(x), the negative log-likelihood in nats.   (ML.2)

    log_density  f, unnormalised, (…, D) -> (…);  log_normaliser  log Z, one number;  x  (B, D) data
    returns (B,), whose mean over x is KL(p‖p_θ) up to a constant of the data   (ML.1)
    log Z moves with the parameters of f: as a traced number, ``models.log_partition`` of the same f for one, it brings
    the negative phase of the gradient (ML.3); as a constant it loses it, and the loss has no minimum   (ML.9)
    Raises ValueError if x is not (B, D), float64 and finite, if log_normaliser is not one finite number, or if
    log_density does not return one number for every row.
    """
    x, log_density = inputs.rows("x", x), inputs.log_density("log_density", log_density)
    log_z = inputs.number("log_normaliser", log_normaliser)
    return log_z - log_density(x)  # (ML.2)
