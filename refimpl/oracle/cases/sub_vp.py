"""Cases of the members of sub-VP: the constants of the cases of VP."""

from refimpl.oracle.cases.ve import members
from refimpl.oracle.cases.vp import ENDS

CASES = members("sub_vp", ("beta_0", "beta_1"), ENDS)
