"""Whether the programs compute the same: tables and losses after the first steps, and top-10 lists.

    python agreement.py FOLDER     prints one line per comparison; exit status 1 when one fails
"""

import sys
from pathlib import Path

import numpy as np

from exchange import METHODS

# On how far the tables moved, not on their size, which would hide a wrong step. In float64 all that differs is the order
# of sums; Lightmeter in float, the precision that is timed, is held against itself in float64 in the mean square, since
# Adam blows up the rounding of a gradient near its epsilon.
TABLE_TOLERANCE, LOSS_TOLERANCE, FLOAT_TOLERANCE = 1e-8, 1e-12, 1e-3
PROGRAMS = ("torch-default", "torch-fused", "jax")


def load(folder, name):
    return np.load(Path(folder) / f"{name}.npy").astype(np.float64)


def table_names(method):
    return ["users", "items"] + (["exposure_users", "gate"] if method == "biif" else [])


def greatest(x):
    return np.abs(x).max()


def step_differences(folder):
    """Yields (what, difference, tolerance)."""
    for method in METHODS:
        losses = load(folder, f"lightmeter.{method}.losses")
        for program in PROGRAMS:
            other = load(folder, f"{program}.{method}.losses")
            yield f"{program} {method} losses", greatest(other / losses - 1), LOSS_TOLERANCE
        for table in table_names(method):
            start, end = load(folder, f"initial.{table}"), load(folder, f"lightmeter.{method}.{table}")
            for program in PROGRAMS:
                other = load(folder, f"{program}.{method}.{table}")
                yield f"{program} {method} {table}", greatest(other - end) / greatest(end - start), TABLE_TOLERANCE
            single = load(folder, f"lightmeter-float.{method}.{table}")
            difference = np.linalg.norm(single - end) / np.linalg.norm(end - start)
            yield f"lightmeter float {method} {table}", difference, FLOAT_TOLERANCE


def top_ten_difference(folder):
    """The greatest difference of the scores at one place of a list: equal lists up to ties and rounding."""
    scores = load(folder, "topten.lightmeter_scores")
    return greatest(load(folder, "topten.implicit_scores") - scores) / greatest(scores)


def als_differences(folder):
    """Yields (what, difference, tolerance) of exact sweeps in float32, on how far the tables moved."""
    for table in ("users", "items"):
        start, end, other = (load(folder, f"als.{who}.{table}") for who in ("initial", "lightmeter", "implicit"))
        yield f"implicit als {table}", np.linalg.norm(other - end) / np.linalg.norm(end - start), 1e-3


def main(folder):
    differences = list(step_differences(folder)) + [("implicit topten scores", top_ten_difference(folder), 1e-5)]
    differences += als_differences(folder)
    failures = 0
    for what, difference, tolerance in differences:
        holds = difference <= tolerance  # false for NaN
        failures += not holds
        print(f"{'agrees' if holds else 'DIFFERS'}: {what}, relative difference {difference:.1e}, allowed {tolerance:.0e}")
    if failures:
        sys.exit(f"{failures} of {len(differences)} comparisons fail; times of different algorithms mean nothing")


if __name__ == "__main__":
    main(sys.argv[1])
