"""The value of the two players of a generative adversarial network (page 38)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, LogProb


def gan_contrast(logit: LogProb, x: Array, y: Array) -> Array:
    """log D(x) + mean_k log(1 − D(y_k)), with D = 1/(1 + e^{−logit}): a value, not a loss.   (GAN.3)

    logit  of the discriminator, (…, D) -> (…);  x  (B, D) data;  y  (K, B, D) from the generator
    returns (B,), nats, at most 0; the discriminator ascends it, and the generator descends it through y
    At the best logit, log p_d − log p_g, the mean over x and y is −log 4 + 2 JSD(p_d, p_g)   (GAN.8)
    Raises ValueError if x is not (B, D) or y not (K, B, D), or if logit does not return one number for every row.
    Source: Goodfellow et al. 2014, equation 1.
    """
    x, logit = inputs.rows("x", x), inputs.log_density("logit", logit)
    y = inputs.replicates("y", y, x)
    log_real = -_softplus(-logit(x))  # (GAN.1)
    log_fake = -_softplus(logit(y))  # (GAN.2)
    return log_real + np.mean(log_fake, axis=0)  # (GAN.3)


def _softplus(a: Array) -> Array:
    """log(1 + e^a), without overflow."""
    with np.errstate(invalid="ignore"):  # NaN gives NaN, and no warning
        return np.logaddexp(0.0, a)
