"""Cases of the members of VP, rising and falling."""

from refimpl.oracle.cases.ve import members

ENDS = ((0.75, 3.5), (0.5, 4.0), (2.5, 0.625), (0.25, 6.0))
CASES = members("vp", ("beta_0", "beta_1"), ENDS)
