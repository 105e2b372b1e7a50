"""Checks agreement, times all programs round by round and writes docs/results/performance.md. Started by ./run."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import report

HERE = Path(__file__).parent
LIGHTMETER = HERE.parent / ".build/release/CompareBenchmark"
PAUSE = 0.01  # seconds in which the worker threads of the program before stop to spin


class Program:
    """A server that is asked for times line by line; `core` pins it, and thereby all its threads, to one core."""

    def __init__(self, name, command, core=None):
        self.name = name
        pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pin
        )

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit(f"{self.name} ended at '{question}' with status {self.process.wait()}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def python(script, *arguments):
    return [sys.executable, HERE / script, *arguments]


def cores():
    return len(os.sched_getaffinity(0))


def interleave(programs, jobs, rounds):
    """Times every (program, case, amount) once a round, each second round backwards.

    Returns {(program, case): [milliseconds, one per round]}.
    """
    for program, case, _ in jobs:
        programs[program].ask(f"prepare {case}")
    times = {(program, case): [] for program, case, _ in jobs}
    for number in range(rounds):
        for program, case, amount in jobs if number % 2 == 0 else reversed(jobs):
            time.sleep(PAUSE)
            times[program, case].append(float(programs[program].ask(f"run {case} {amount}")))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    for program in programs.values():
        program.close()
    return times


def time_steps(options, core):
    """Milliseconds per training step."""
    commands = {
        "lightmeter, 1 thread": ([LIGHTMETER, "serve", 1, 1], core),
        "lightmeter, all cores": ([LIGHTMETER, "serve", 1, cores()], None),
        "torch, 1 thread": (python("torch_steps.py", "serve", options.folder, 1, "default"), core),
        "torch, default threads": (python("torch_steps.py", "serve", options.folder, 0, "default"), None),
        "torch fused, 1 thread": (python("torch_steps.py", "serve", options.folder, 1, "fused"), core),
        "torch fused, default threads": (python("torch_steps.py", "serve", options.folder, 0, "fused"), None),
        "jax, 1 thread": (python("jax_steps.py", "serve", options.folder), core),
        "jax, default threads": (python("jax_steps.py", "serve", options.folder), None),
    }
    programs = {name: Program(name, *command) for name, command in commands.items()}
    jobs = []
    for method in ("mf", "relmf", "umf", "biif"):
        # Lightmeter's steps are shorter, so it takes more of them.
        for name in programs:
            if name.startswith("lightmeter"):
                jobs += [(name, case, 4 * options.steps) for case in (method, f"{method}-lazy")]
            else:
                jobs.append((name, method, options.steps))
    return interleave(programs, jobs, options.rounds)


def time_top_ten(options, core):
    """Milliseconds per pass over all users."""
    users = options.topten_users
    commands = {
        "lightmeter, 1 thread": ([LIGHTMETER, "serve", users, 1], core),
        "implicit, 1 thread": (python("implicit_topten.py", "serve", options.folder, 1), core),
        "lightmeter, 2 threads": ([LIGHTMETER, "serve", users, 2], None),
        "implicit, 2 threads": (python("implicit_topten.py", "serve", options.folder, 2), None),
    }
    programs = {name: Program(name, *command) for name, command in commands.items()}
    return interleave(programs, [(name, "topten", 1) for name in programs], options.topten_rounds)


def time_als(options, core):
    """Milliseconds per sweep of weighted alternating least squares."""
    commands = {
        "lightmeter, 1 thread": ([LIGHTMETER, "serve", 1, 1], core),
        "implicit, 1 thread": (python("implicit_als.py", "serve", options.folder, 1), core),
        "lightmeter, 2 threads": ([LIGHTMETER, "serve", 1, 2], None),
        "implicit, 2 threads": (python("implicit_als.py", "serve", options.folder, 2), None),
    }
    programs = {name: Program(name, *command) for name, command in commands.items()}
    jobs = [(name, case, 2) for case in ("als-exact", "als-cg") for name in programs]
    return interleave(programs, jobs, options.als_rounds)


def check_agreement(options):
    """Exports Lightmeter's data and results, lets the others compute theirs; ends the run where they differ."""
    for command in (
        [LIGHTMETER, "export", options.folder, options.topten_users],
        python("torch_steps.py", "agree", options.folder),
        python("jax_steps.py", "agree", options.folder),
        python("implicit_topten.py", "agree", options.folder),
        python("implicit_als.py", "agree", options.folder),
        python("agreement.py", options.folder),
    ):
        if status := subprocess.run([str(word) for word in command]).returncode:
            sys.exit(status)


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/compare/run")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=30, help="rounds of training steps (%(default)s)")
    parser.add_argument("--steps", type=int, default=50, help="steps a round of the references (%(default)s)")
    parser.add_argument("--topten-rounds", type=int, default=5, help="rounds of top-10 lists (%(default)s)")
    parser.add_argument("--topten-users", type=int, default=100_000, help="users with top-10 lists (%(default)s)")
    parser.add_argument("--als-rounds", type=int, default=5, help="rounds of sweeps (%(default)s)")
    parser.add_argument("--output", default="docs/results/performance.md", help="the page to write (%(default)s)")
    options = parser.parse_args()
    if min(options.rounds, options.topten_rounds, options.als_rounds) < 2:
        parser.error("a spread needs at least 2 rounds")

    machine = report.machine(LIGHTMETER)
    check_agreement(options)
    core = max(os.sched_getaffinity(0))
    steps = time_steps(options, core)
    top_ten = time_top_ten(options, core)
    als = time_als(options, core)

    raw = [{"program": p, "case": c, "milliseconds": t} for (p, c), t in (steps | top_ten | als).items()]
    (Path(options.folder) / "times.json").write_text(json.dumps(raw, indent=1))
    command = " ".join([parser.prog, *sys.argv[2:]])
    text = report.page(machine, command, options, steps, top_ten, als)
    report.replace_section(Path(options.output), text)
    print(text)


if __name__ == "__main__":
    main()
