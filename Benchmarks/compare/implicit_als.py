"""Alternating least squares by implicit, on the clicks and from the tables that CompareBenchmark exported.

    python implicit_als.py serve FOLDER THREADS     cases als-exact and als-cg
    python implicit_als.py agree FOLDER             the tables after the first exact sweeps
"""

import sys
from pathlib import Path

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

CONFIDENCE = 11  # of a click; of a zero it is 1
AGREED_SWEEPS = 2


class Als:
    def __init__(self, folder, threads):
        self.folder, self.threads = Path(folder), threads
        items, offsets = self.load("items"), self.load("offsets")
        self.start = [self.load("initial.users"), self.load("initial.items")]
        shape = tuple(len(table) for table in self.start)
        self.clicks = csr_matrix((np.ones(len(items), np.float32), items, offsets), shape=shape)

    def load(self, name):
        return np.load(self.folder / f"als.{name}.npy")

    def fit(self, use_cg, sweeps):
        """The model and the milliseconds of each sweep, without what is done once before."""
        model = AlternatingLeastSquares(
            factors=self.start[0].shape[1], regularization=0.01, alpha=CONFIDENCE, use_cg=use_cg, iterations=sweeps,
            num_threads=self.threads,
        )
        model.user_factors, model.item_factors = (table.copy() for table in self.start)
        times = []
        model.fit(self.clicks, show_progress=False, callback=lambda sweep, seconds, loss: times.append(1000 * seconds))
        return model, times


def serve(case):
    for line in sys.stdin:
        command, name, *amount = line.split()
        _, times = case.fit(name == "als-cg", int(amount[0]) if amount else 1)
        print("ok" if command == "prepare" else sum(times) / len(times), flush=True)


if __name__ == "__main__":
    mode, folder, *threads = sys.argv[1:]
    # implicit asks for a BLAS of one thread; its own threads share out the rows.
    with threadpool_limits(1, "blas"):
        case = Als(folder, int(threads[0]) if threads else 1)
        if mode == "serve":
            serve(case)
        else:
            model, _ = case.fit(False, AGREED_SWEEPS)
            np.save(case.folder / "als.implicit.users.npy", model.user_factors)
            np.save(case.folder / "als.implicit.items.npy", model.item_factors)
