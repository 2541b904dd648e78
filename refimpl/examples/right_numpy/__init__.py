"""Right implementations of every operation, in NumPy with autograd. A file for every subject, each to be copied alone:

refimpl check refimpl.examples.right_numpy               all of them
refimpl check refimpl.examples.right_numpy.samplers      those of one file
"""

from refimpl.examples.right_numpy.contrasts import *  # noqa: F403
from refimpl.examples.right_numpy.densities import *  # noqa: F403
from refimpl.examples.right_numpy.diffusions import *  # noqa: F403
from refimpl.examples.right_numpy.likelihoods import *  # noqa: F403
from refimpl.examples.right_numpy.samplers import *  # noqa: F403
from refimpl.examples.right_numpy.score_matching import *  # noqa: F403

framework = "numpy"
