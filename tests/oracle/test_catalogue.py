"""Mistakes that were met in public code, by where they were met: each is executable, or a convention, or a case that
every caller meets; or it cannot be met here, and it says why.

An entry is a list of "operation/mistake", of "key = value" for what is a convention, and of sentences for the rest."""

import pytest

from refimpl.oracle.conventions import TABLE
from refimpl.oracle.mistakes import all_mistakes
from refimpl.oracle.operations import operations

NO_OPERATION = "no operation: "
NOT_HANDED = "not in the function: "

SCORES_AND_ENERGIES = {
    "sign of the score against the energy (torchebm#318; score_models a2f9183)": [
        "denoising_score_matching/score-sign",
        "explicit_score_matching/score-sign",
        "implicit_score_matching/trace-sign",
    ],
    "sign of the Laplacian (torchebm e2b2d595)": ["implicit_score_matching/trace-sign"],
    "½ missing on the squared score": [
        "implicit_score_matching/half-missing-square",
        "sliced_score_matching/half-missing-square",
    ],
    "square of the sum (torchebm 2a8358dc)": ["explicit_score_matching/square-of-sum"],
    "square on one term of the residual (a public tutorial, 9.DSM.py)": [
        "denoising_score_matching/residual-not-squared"
    ],
    "σ for σ² (score_sde_pytorch#26; sony/ctm#1)": [
        "denoising_score_matching/sigma-exponent-0",
        "denoising_score_matching/sigma-exponent-2",
        "tweedie/sigma-exponent-1",
    ],
    "sign of the target in a text (acids-ircam/diffusion_models#7, #11)": ["denoising_score_matching/score-sign"],
    "whole loss times σ⁴ (ncsn, losses/dsm.py)": ["weighting = sigma^4"],
    "weight of the ladder missing (sliced_score_loss.py)": ["weighting = sigma^-2"],
    "mean over dimensions for the sum (score_sde_pytorch, reduce_op)": [
        "dimensions = mean",
        "reduction = sum",
        "implicit_score_matching/trace-over-dimensions",
    ],
    "slices of unit length (ncsn, losses/sliced_sm.py)": ["sliced_score_matching/projection-scale"],
    "sliced and variance-reduced form confused (score_sde_pytorch#19)": ["sliced_score_matching/ssm-variant"],
    "law of the slices (ncsn, annealed form)": [NOT_HANDED + "the slices are arguments, and a caller draws none"],
    "projection summed over the batch (torchebm e2b2d595)": ["sliced_score_matching/batch-summed"],
    "first term detached (sliced_score_matching)": [
        "implicit_score_matching/detached-square-term",
        "sliced_score_matching/detached-square-term",
    ],
    "finite differences in single precision (torchebm)": ["implicit_score_matching/fd-cancellation"],
    "a loss that is not finite replaced by a number (torchebm)": [
        "every objective has a case whose model answers NaN: nan-masked"
    ],
    "normaliser without the dimension (ncsn, models/gmm.py)": [
        "gaussian_log_prob/normaliser-dimension",
        "gaussian_mixture_log_prob/normaliser-dimension",
    ],
    "targets overwritten (a public tutorial)": ["denoising_score_matching/target-mismatch"],
    "σ + σ_d for σ σ_d (alphafold3-pytorch#68)": ["edm_preconditioning/edm-weight"],
    "(B, 1) against (B,) (EBM-with-NCE)": [
        "denoising_score_matching/broadcast-BxB",
        "noise_contrastive_estimation/broadcast-BxB",
    ],
}
CHAINS = {
    "real minus fake (uvadlc_notebooks#60)": ["model = energy", "contrastive_divergence/positive-sign"],
    "negatives not detached (improved_contrastive_divergence#1)": [
        "contrastive_divergence/negative-phase-detached",
        NOT_HANDED + "the negatives are arguments: no gradient goes through their sampler",
    ],
    "stale hidden state (rbms#31)": [NO_OPERATION + "there are no hidden units"],
    "drift of one convention, noise of the other (course notes)": ["langevin/temperature-2"],
    "noise not rooted (edward#722; ibc#6)": ["langevin/noise-not-sqrt"],
    "undeclared temperature (ebm-anatomy#1; JEM)": ["langevin/temperature-2", "langevin/noise-variance-halved"],
    "gradient of −log p added (unsupervised-source-separation)": ["langevin/langevin-sign"],
    "gradient of the batch mean (the same)": ["langevin/batch-scaled-drift"],
    "clamp or clip in the chain (tutorial 8)": ["langevin/gradient-clipped", "langevin/state-clamped"],
    "diagnostics of the raw gradient (devinterp#90)": [NO_OPERATION + "no sampler reports diagnostics"],
    "σ for σ² in the ladder's steps (score-based-models)": ["annealed_langevin/alpha-exponent-1"],
    "α/2 against the step itself (ncsn, ncsnv2)": ["step = h"],
    "increasing levels (score_sde_pytorch, models/utils.py)": ["annealed_langevin/ladder-order"],
    "last denoising step (deepinv#1103; ncsnv2)": [
        "annealed_langevin/last-step-noiseless",
        "annealed_langevin/denoised-twice",
        "annealed_langevin/denoised-at-the-end",
    ],
    "dequantisation taken for the noise (ncsn#8)": [NO_OPERATION + "a false alarm; data are handed over as they are"],
}
CONTRASTS = {
    "log-density of the noise left out (two tutorials)": ["noise_contrastive_estimation/noise-logdensity-missing"],
    "log ν missing (Pytorch-NCE#12)": ["noise_contrastive_estimation/log-nu", "logit = expected count"],
    "log-density of the noise over the wrong axis": ["noise_contrastive_estimation/logq-axis"],
    "prior of the classes without K (sbi#815)": ["noise_contrastive_estimation/class-prior"],
    "log Z started far off (EBM-with-NCE)": [NO_OPERATION + "no run of training is judged"],
    "flow contrastive estimation through the wrong path": [
        "flow_contrastive_estimation/flow-detached-at-samples",
        "flow_contrastive_estimation/model-detached",
    ],
    "log-determinant of the other direction (pytorch-flows#16; normalizing-flows#27)": [
        "coupling_flow_inverse/log-det-sign",
        "coupling_flow_inverse/direction",
    ],
    "ratio taken for a density": ["noise_contrastive_estimation/discriminator"],
}
SDES_AND_SAMPLERS = {
    "VE without √(2 ln) (deepinv#775)": ["ve_diffusion/log-ratio-missing"],
    "sub-VP without its constants (score_sde_pytorch#8)": ["every sampler has cases with all three SDEs"],
    "deviation of VE's kernel (score_sde_pytorch, sde_lib.py; treeffuser#24)": ["ve_kernel = sigma(t)"],
    "α for α² (mattergen#79; score_sde_pytorch#73)": ["vp_marginal/alpha-squared", "ancestral/alpha-squared"],
    "range [0, 1] for [−1, 1] (deepinv#736)": ["score_from_denoiser/range-scale"],
    "noise called a score (diffusers; dpm-solver#19)": [
        "model = noise",
        "euler_maruyama/score-vs-noise",
        "probability_flow/score-vs-noise",
    ],
    "σ, σ², log σ or 999 t as the condition (score_sde_pytorch#11; mattergen#79)": [
        "continuous_denoising/told-the-step",
        "multiscale_denoising/told-the-logarithm",
        "probability_flow/time-as-label",
    ],
    "dt of another grid (score_sde_pytorch, sampling.py)": ["euler_maruyama/dt-grid-mismatch"],
    "four signs of the reverse drift (torchcfm#85)": [
        "reverse_drift/score-sign",
        "reverse_drift/drift-sign",
        "euler_maruyama/dt-sign",
    ],
    "v(x, 1 − t) without the minus (LightningDiT#89)": ["probability_flow/time-flip", "time = 1=data"],
    "steps backwards in time (diffrax#598)": ["euler_maruyama_step/dt-sign-lost", "euler_maruyama_step/noise-signed"],
    "g for g²": ["euler_maruyama/g-power-1", "probability_flow/g-for-g2"],
    "½ missing on g²": ["probability_flow/half-missing-g2", "decode/half-missing-g2"],
    "deviation of the ancestral step (score_sde_pytorch, sampling.py)": ["ancestral/ancestral-std-beta"],
    "norms averaged over the batch (score_sde_pytorch#41)": ["predictor_corrector/batch-coupled-corrector"],
    "corrector that is not invariant (azula 2b7b1ab)": ["mala_step/always-accepted"],
    "order of predictor and corrector": ["predictor_corrector/pc-order"],
    "second stage at the old level (diffusers#1512)": [NO_OPERATION + "the solver is handed over"],
    "solver of another SDE (diffusers#1889)": ["euler_maruyama/drift-of-the-flow", "euler_maruyama/half-missing"],
}
LIKELIHOODS = {
    "divergence overwritten by the prior (score_models 8dd7219)": ["log_likelihood/divergence-dropped"],
    "sign of the divergence (ScNormFlows#1; cryojax#384)": ["log_likelihood/divergence-sign"],
    "probe redrawn at every evaluation (torchdiffeq#120)": ["log_likelihood/probe-resampled"],
    "standard error of the probes (flow_matching#49; gam#1977)": [
        "likelihood_ledger/probe-se",
        "likelihood_ledger/probe-se-over-k",
    ],
    "likelihood without a gradient (flow_matching#59; zuko 1b4b08e)": [
        "log_likelihood/loss-detached",
        "log_likelihood/path-detached",
    ],
    "VE's prior without the data's variance (score_sde_pytorch#64)": [
        NOT_HANDED + "the prior is an argument; page 51 has its price"
    ],
    "offset for 8 bits in two scalings (score_sde_pytorch#51)": ["bits_per_dimension/bpd-offset"],
    "no dequantisation (score_sde#24)": ["bits_per_dimension/offset-missing"],
    "entropy of the lossless bound (Soft-Truncation#2)": [NO_OPERATION + "there is no discrete bound"],
    "offset twice or not at all (IB-INN#3)": ["bits_per_dimension/offset-twice", "bits_per_dimension/offset-missing"],
    "AIS at another temperature (ebm_code_release#1)": ["annealed_importance_sampling/temperature-of-the-model"],
    "error norm of the augmented state (bayesflow#617)": [NO_OPERATION + "the solver is handed over"],
    "truncation at ε (score_sde_pytorch; score_models)": [
        "encode/ends-at-0-and-1",
        "log_likelihood/first-step-missing",
    ],
    "encoding that is not inverted (ddim#9, LSGM#4)": ["decode/denoised-at-the-end", "decode/clipped"],
}
OTHERS = {
    "x for the drift in the Fokker–Planck residual (fp-diffusion#1)": ["score_fokker_planck_residual/state-for-drift"],
    "a branch that crashes (fp-diffusion, losses.py)": ["whatever a function raises is a row of its report"],
    "moving averages of weights (ai-toolkit#1034; diffusers#1864)": [NO_OPERATION + "no run of training is judged"],
    "scaled score not stated (lampe#7, torchcfm#119)": ["model = scaled_score"],
    "clipped samples": ["ancestral/clipped", "decode/clipped"],
}
MET = {**SCORES_AND_ENERGIES, **CHAINS, **CONTRASTS, **SDES_AND_SAMPLERS, **LIKELIHOODS, **OTHERS}
KNOWN = {f"{m.operation}/{m.name}" for m in all_mistakes()}


@pytest.mark.parametrize("where", MET)
def test_what_was_met_can_be_named(where):
    for entry in MET[where]:
        first, _, rest = entry.partition("/")
        if first in operations() and rest:
            assert entry in KNOWN
        elif " = " in entry:
            key, _, value = entry.partition(" = ")
            assert value in TABLE[key]
        else:
            assert len(entry.split()) > 3, entry  # a reason
