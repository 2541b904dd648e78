"""Cases of the members of VE: a number, a column, and a column of one row; no constant is one."""

from refimpl.oracle.cases.build import SIZES, TIMES, column, normals
from refimpl.oracle.operation import Case
from refimpl.vocabulary import Array

ENDS = ((0.375, 2.5), (0.25, 3.5), (0.625, 1.75), (0.125, 5.0))


def members(prefix: str, names: tuple[str, str], ends: tuple) -> list[Case]:
    """The cases of drift, diffusion and marginal of an SDE with these constants."""
    made = []
    for member in ("drift", "diffusion", "marginal"):
        for index, (d, b, _) in enumerate((*SIZES, (SIZES[1][0], 1, 0))):
            constants = dict(zip(names, ends[index % len(ends)], strict=True))
            time: Array = column(TIMES[index:], b) if index > 2 else TIMES[index]
            x = {"x": normals(10 * index + 1, b, d)} if member == "drift" else {}
            label = f"D{d}-B{b}" if x else (f"B{b}" if index > 2 else "number")
            label += f"-{constants[names[0]]}-{constants[names[1]]}"
            made.append(Case(f"{prefix}_{member}", label, {**constants, **x, "t": time}))
    return made


CASES = members("ve", ("sigma_min", "sigma_max"), ENDS)
