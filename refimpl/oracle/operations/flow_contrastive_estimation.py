"""Flow contrastive estimation and its terms. Three things are trained: the energy, the flow's log-density, and the rows
that the flow has made, through which it learns as well."""

from refimpl.objectives import flow_contrastive_estimation
from refimpl.oracle.operation import Operation
from refimpl.oracle.operations.gan_contrast import contrast_terms

PAGE = "39-flow-contrastive-estimation"


def flow_terms(ns, log_model, log_flow, x, y):
    return contrast_terms(ns, lambda u: log_model(u) - log_flow(u), x, y)


OPERATIONS = [
    Operation(
        "flow_contrastive_estimation",
        flow_contrastive_estimation,
        "log h(x) + log(1 − h(y)), averaged over y, with h = p/(p + q)",
        "FCE.2",
        PAGE,
        callables={"log_model": "log_density", "log_flow": "log_density"},
        trained=("log_model", "log_flow", "y"),
        terms=flow_terms,
        nouns={"real": "the data term log h(x)", "fake": "the flow's term log(1 − h(y))"},
        conventions=("model", "reduction", "sense", "factor", "gradient"),
    ),
]
