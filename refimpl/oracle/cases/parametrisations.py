"""Cases of Tweedie's mean and variance, whose score is a network with a Jacobian that is not symmetric; of conversions,
where what is converted is drawn; and of preconditioning. One has columns, one a single row."""

from refimpl.oracle.cases.build import SIGMAS, SIZES, column, normals, weights
from refimpl.oracle.operation import Case

ALPHAS = (0.75, 0.4375, 1.25, 0.625)
# Rates of either sign, beside α and σ such that neither term of ω hides the other.
ALPHA_DOTS = (-0.625, 0.375, -1.375, -0.875)
SIGMA_DOTS = (1.375, -0.4375, 0.6875, 2.25)
SIGMA_DATA = (0.5, 1.375, 0.625, 1.75, 0.8125)
ONE_ROW = (3, 1, 2)


def cases(operation: str) -> list[Case]:
    made = []
    for index, (d, b, _) in enumerate(SIZES):
        columns = index == 3
        inputs = {
            "x": normals(10 * index + 6, b, d),
            "alpha": column(ALPHAS, b) if columns else ALPHAS[index],
            "sigma": column(SIGMAS, b) if columns else SIGMAS[index],
        }
        made.append(Case(operation, f"D{d}-B{b}", inputs, {"score": weights(10 * index + 7, d)}))
    return made


def conversions(operation: str, given: str, *names: str) -> list[Case]:
    """given  the argument that is converted;  names  those of the others that it takes"""
    made = []
    for index, (d, b, _) in enumerate((*SIZES, ONE_ROW)):
        scale = lambda values, index=index, b=b: column(values, b) if index == 3 else values[index % len(values)]
        inputs = {
            given: normals(10 * index + 8, b, d),
            "x": normals(10 * index + 6, b, d),
            "alpha": scale(ALPHAS),
            "sigma": scale(SIGMAS[:4]),
            "alpha_dot": scale(ALPHA_DOTS),
            "sigma_dot": scale(SIGMA_DOTS),
        }
        made.append(Case(operation, f"D{d}-B{b}", {name: inputs[name] for name in (given, *names)}))
    return made


def preconditioning() -> list[Case]:
    made = []
    for index, data in enumerate(SIGMA_DATA):
        sigma = column(SIGMAS[:4], 6) if index == 3 else (*SIGMAS[:4], SIGMAS[5])[index]
        label = "B6" if index == 3 else f"sigma{sigma:g}"
        made.append(Case("edm_preconditioning", label, {"sigma": sigma, "sigma_data": data}))
    return made


PATH = ("x", "alpha", "sigma", "alpha_dot", "sigma_dot")
CASES = [
    *cases("tweedie"),
    *cases("tweedie_variance"),
    *conversions("noise_from_score", "score", "sigma"),
    *conversions("score_from_noise", "noise", "sigma"),
    *conversions("score_from_denoiser", "denoised", "x", "alpha", "sigma"),
    *conversions("velocity_from_score", "score", *PATH),
    *conversions("score_from_velocity", "velocity", *PATH),
    *preconditioning(),
]
