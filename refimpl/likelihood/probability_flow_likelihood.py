"""The log-density that a score gives a point through its probability flow (page 51)."""

from refimpl import inputs
from refimpl.likelihood.change_of_variables import log_likelihood
from refimpl.ode import Integrate
from refimpl.sdes import probability_flow
from refimpl.vocabulary import SDE, Array, LogProb, TimeField


def probability_flow_log_likelihood(
    sde: SDE, score: TimeField, log_prior: LogProb, x: Array, ts: Array, v: Array, integrate: Integrate
) -> Array:
    """log π(x_T) + ∫ ∇·(f − ½ g² s) dt along dx/dt = f − ½ g² s, from ts[0] = ε to ts[-1] = T, in nats.   (PFL.2)

    sde  with drift(x, t) and diffusion(t);  score  s(x, t), (…, D) -> (…, D), differentiable
    log_prior  log π, (…, D) -> (…), the density that stands for p_T
    x  (B, D) at ts[0];  ts  (N + 1,) within [0, 1], increasing;  v  (K, B, D) probes;  integrate  a solver: all as for
    change_of_variables.log_likelihood;  returns (B,)
    With the exact score it is log p_ε(x) + log π(x_T) − log p_T(x_T), the prior mismatch (PFL.4); not log p₀ (PFL.12).
    Any other score gives the density of another model, normalised all the same (PFL.6).
    Raises ValueError as log_likelihood does, and for an sde without its methods or ts not increasing within [0, 1].
    Source: Song et al. 2021, section 4.3 and appendix D.2.
    """
    log_prior, ts = inputs.log_density("log_prior", log_prior), inputs.increasing_times("ts", ts)
    return log_likelihood(probability_flow(sde, score), log_prior, x, ts, v, integrate)  # (PFL.2)
