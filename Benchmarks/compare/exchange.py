"""What the reference programs share: settings, the data that CompareBenchmark exported, the line protocol."""

import sys
import time
from pathlib import Path

import numpy as np

METHODS = ("mf", "relmf", "umf", "biif")
RATE = 1e-3  # of the model, and of Biif's virtual step
OUTER_RATE = 1e-4  # of Biif's exposure model
DECAY = 1e-6  # coupled, on the model only
AGREED_STEPS = 5


class Log:
    """The simulated log: one epoch of batches, the validation pairs, popularity, starting tables."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.users = self.load("batch_users")
        self.items = self.load("batch_items")
        self.feedback = self.load("batch_feedback")
        self.counts = self.load("batch_counts")  # pairs of a batch; what is beyond is padding
        self.validation_users = self.load("validation_users")
        self.validation_items = self.load("validation_items")
        self.validation_feedback = self.load("validation_feedback")
        self.popularity = self.load("popularity")

    def load(self, name):
        return np.load(self.folder / f"{name}.npy")

    def initial(self, table):
        return self.load(f"initial.{table}")


def serve(make_case, warm_up=20):
    """Answers `prepare CASE` with ok and `run CASE STEPS` with milliseconds per step.

    `make_case` returns an object with `step(k)`, which takes step k and returns its loss, and `finish()`, which waits
    until all steps are done.
    """
    cases, done = {}, {}
    for line in sys.stdin:
        command, name, *amount = line.split()
        steps = warm_up if command == "prepare" else int(amount[0])
        if command == "prepare":
            cases[name], done[name] = make_case(name), 0
        case = cases[name]
        start = time.perf_counter()
        for k in range(done[name], done[name] + steps):
            case.step(k)
        case.finish()
        elapsed = time.perf_counter() - start
        done[name] += steps
        print("ok" if command == "prepare" else 1000 * elapsed / steps, flush=True)


def agree(make_case, program, folder):
    """Takes the first steps of every method and writes losses and tables for agreement.py."""
    for method in METHODS:
        case = make_case(method)
        losses = [float(case.step(k)) for k in range(AGREED_STEPS)]
        np.save(Path(folder) / f"{program}.{method}.losses.npy", losses)
        for name, table in case.tables().items():
            np.save(Path(folder) / f"{program}.{method}.{name}.npy", np.asarray(table))
