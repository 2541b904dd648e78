"""Right implementations of every operation, in JAX. A file for every subject, each to be copied alone:

refimpl check refimpl.examples.right_jax               all of them
refimpl check refimpl.examples.right_jax.samplers      those of one file
"""

from refimpl.examples.right_jax.contrasts import *  # noqa: F403
from refimpl.examples.right_jax.densities import *  # noqa: F403
from refimpl.examples.right_jax.diffusions import *  # noqa: F403
from refimpl.examples.right_jax.likelihoods import *  # noqa: F403
from refimpl.examples.right_jax.samplers import *  # noqa: F403
from refimpl.examples.right_jax.score_matching import *  # noqa: F403

framework = "jax"
