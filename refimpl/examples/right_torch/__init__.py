"""Right implementations of every operation, in PyTorch. A file for every subject, each to be copied alone:

refimpl check refimpl.examples.right_torch               all of them
refimpl check refimpl.examples.right_torch.samplers      those of one file
"""

from refimpl.examples.right_torch.contrasts import *  # noqa: F403
from refimpl.examples.right_torch.densities import *  # noqa: F403
from refimpl.examples.right_torch.diffusions import *  # noqa: F403
from refimpl.examples.right_torch.likelihoods import *  # noqa: F403
from refimpl.examples.right_torch.samplers import *  # noqa: F403
from refimpl.examples.right_torch.score_matching import *  # noqa: F403

framework = "torch"
