"""Cases of the kernel between two times: every SDE, numbers and columns, close times and far ones."""

import numpy as np

from refimpl.oracle.cases.build import SDES
from refimpl.oracle.operation import Case
from refimpl.sdes import VE, VP

VE_0, VP_0, SUB_VP_0 = SDES
EARLIER = np.array([[0.125], [0.375], [0.25], [0.0625]])
LATER = np.array([[0.625], [0.4375], [0.875], [0.5625]])
GIVEN = {
    "VE": (VE_0, 0.3125, 0.6875),
    "VP": (VP_0, 0.1875, 0.5625),
    "sub-VP": (SUB_VP_0, 0.4375, 0.8125),
    "VP-falling": (VP(2.5, 0.625), 0.3125, 0.875),
    "VE-B4": (VE(0.25, 3.5), EARLIER, LATER),
    "VP-B4": (VP_0, EARLIER, LATER),
    "sub-VP-B4": (SUB_VP_0, EARLIER, LATER),
    "sub-VP-from-one-time": (SUB_VP_0, 0.1875, LATER[:3]),
    "VP-B1": (VP_0, EARLIER[2:3], LATER[2:3]),
}
CASES = [Case("transition", name, {"sde": sde, "s": s, "t": t}) for name, (sde, s, t) in GIVEN.items()]
