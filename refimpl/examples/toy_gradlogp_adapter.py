"""toy_gradlogp's losses for two-dimensional energies, held against the reference as they are.

    pip install torch tensorboard && pip install --no-deps toy_gradlogp==0.2.2
    refimpl check refimpl.examples.toy_gradlogp_adapter

Slices and noise are arguments of its losses. The energy that its models wrap is the one that is handed over.
"""

from toy_gradlogp.energy import Energy, Trainer

framework = "torch"
conventions = {"model": "energy"}


def trainer(energy, slices=1):
    return Trainer(Energy(energy), n_slices=slices, device="cpu")


def sliced_score_matching(energy, x, v):
    return trainer(energy, len(v)).ssm_loss(x, v.reshape(-1, x.shape[1]))


def sliced_score_matching_vr(energy, x, v):
    return trainer(energy, len(v)).ssm_vr_loss(x, v.reshape(-1, x.shape[1]))


def denoising_score_matching(energy, x, z, sigma):
    if sigma.ndim:
        raise NotImplementedError("toy_gradlogp takes one noise level for all rows")
    return trainer(energy).dsm_loss(x, z, float(sigma))
