"""Flow contrastive estimation: an energy told from a flow that learns to be mistaken for the data (page 39)."""

from refimpl import inputs
from refimpl.objectives.gan_contrast import gan_contrast
from refimpl.vocabulary import Array, LogProb


def flow_contrastive_estimation(log_model: LogProb, log_flow: LogProb, x: Array, y: Array) -> Array:
    """log h(x) + mean_k log(1 − h(y_k)), with h = p/(p + q) the logistic function of log p − log q.   (FCE.2)

    log_model  log p, its log-normaliser a parameter that is learnt with it, (…, D) -> (…)
    log_flow   log q, normalised, (…, D) -> (…);  x  (B, D) data;  y  (K, B, D) from the flow
    returns (B,), nats, at most 0: a value. The energy ascends it with y and the flow held still; the flow descends it
    through log_flow and through y, so y = forward(parameters, z) is made inside the traced function   (FCE.7)
    Raises ValueError if x is not (B, D) or y not (K, B, D), or if a callable does not return one number for every row.
    Source: Gao et al. 2020, section 3.
    """
    log_model, log_flow = inputs.log_density("log_model", log_model), inputs.log_density("log_flow", log_flow)
    logit = lambda u: log_model(u) - log_flow(u)  # (FCE.1)
    return gan_contrast(logit, x, y)  # (FCE.2)
