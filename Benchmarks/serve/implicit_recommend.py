"""implicit's top-10 on random tables of the given size, as rows of the table that `run` prints.

No HTTP stands before it: its figures are those of the call alone.
"""
import sys
import time

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

items, users, dimension, seconds = (int(argument) for argument in sys.argv[1:5])
generator = np.random.default_rng(7)
model = AlternatingLeastSquares(factors=dimension)
model.user_factors = generator.standard_normal((users, dimension), dtype=np.float32)
model.item_factors = generator.standard_normal((items, dimension), dtype=np.float32)
pairs = np.arange(max(items, users))
seen = csr_matrix(
    (np.ones(len(pairs), dtype=np.float32), ((pairs * 7919) % users, pairs % items)), shape=(users, items))


def measure(what, per_call):
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        asked = per_call()
        history = seen[asked]
        start = time.perf_counter()
        model.recommend(asked, history, N=10)
        times.append(time.perf_counter() - start)
    # The first call makes what later ones use.
    times = times[1:]
    count = 1 if np.isscalar(asked) else len(asked)
    p50, p99 = 1000 * np.quantile(times, [0.5, 0.99])
    print(f"| {items} | {what} | {count * len(times) / sum(times):.1f} | {p50:.2f} | {p99:.2f} |", flush=True)


measure("implicit, the call alone, one user", lambda: int(generator.integers(users)))
measure("implicit, the call alone, batches of 100 users", lambda: generator.integers(users, size=100))
