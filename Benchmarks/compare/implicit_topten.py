"""Top-10 lists for all users by implicit, from the factors and clicks that CompareBenchmark exported.

    python implicit_topten.py serve FOLDER THREADS
    python implicit_topten.py agree FOLDER     the first users' scores
"""

import sys
from pathlib import Path

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

import exchange


class TopTen:
    def __init__(self, folder, threads):
        def load(name):
            return np.load(Path(folder) / f"topten.{name}.npy")

        items, offsets = load("seen_items"), load("seen_offsets")
        self.model = AlternatingLeastSquares(num_threads=threads)
        self.model.user_factors, self.model.item_factors = load("users"), load("items")
        shape = (len(self.model.user_factors), len(self.model.item_factors))
        self.seen = csr_matrix((np.ones(len(items), np.float32), items, offsets), shape=shape)

    def recommend(self, count):
        return self.model.recommend(np.arange(count), self.seen[:count], N=10, filter_already_liked_items=True)

    def step(self, k):
        self.recommend(self.seen.shape[0])

    def finish(self):
        pass


if __name__ == "__main__":
    mode, folder, *threads = sys.argv[1:]
    # implicit asks for a BLAS of one thread; its own threads share out the users.
    with threadpool_limits(1, "blas"):
        case = TopTen(folder, int(threads[0]) if threads else 1)
        if mode == "serve":
            exchange.serve(lambda name: case, warm_up=1)
        else:
            checked = len(np.load(Path(folder) / "topten.lightmeter_scores.npy"))
            np.save(Path(folder) / "topten.implicit_scores.npy", case.recommend(checked)[1])
