"""The generated part of docs/results/performance.md."""

import os
import platform
import subprocess
from importlib.metadata import version
from statistics import quantiles

BEGIN, END = "<!-- compare:begin -->", "<!-- compare:end -->"
REFERENCES = {"torch": "PyTorch", "torch fused": "PyTorch with `fused=True`", "jax": "JAX"}
NAMES = {"mf": "MF", "relmf": "RelMF", "umf": "UMF", "biif": "Biif"}


def machine(lightmeter):
    """Lines on the machine and the versions; to be called before anything runs, for the load average."""

    def output(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with open("/proc/cpuinfo") as lines:
        processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    changed = "with changes" if output("git", "status", "--porcelain", "--", "Sources", "Benchmarks") else "as committed"
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "jax", "implicit", "numpy", "scipy"))
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return [
        f"Machine: {processor}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.machine()}; "
        f"load average at the start {load}.",
        f"Lightmeter {output('git', 'rev-parse', '--short', 'HEAD')} ({changed}), "
        f"kernels {output(str(lightmeter), 'about')}; {output('swift', '--version').splitlines()[0]}.",
        f"Python {platform.python_version()}, {packages}.",
    ]


def spread(values):
    """Median with the quartiles."""
    low, middle, high = quantiles(values, n=4, method="inclusive")
    digits = 1 if middle >= 10 else 2
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def median(values):
    return quantiles(values, n=4, method="inclusive")[1]


def ratios(above, below):
    """Of the times of the same rounds."""
    return [a / b for a, b in zip(above, below)]


class Settings:
    """The thread settings of the programs, by their names `LIBRARY, SETTING`."""

    def __init__(self, times):
        self.times = times

    def single(self, library, case):
        return self.times[f"{library}, 1 thread", case]

    def best(self, library, case):
        """Of the setting with the least median."""
        candidates = [t for (name, c), t in self.times.items() if name.startswith(f"{library},") and c == case]
        return min(candidates, key=median)

    def row(self, what, target, above, below, holds=None):
        """The ratio of two (library, case); `holds` judges the one of the best settings."""
        single = ratios(self.single(*above), self.single(*below))
        best = ratios(self.best(*above), self.best(*below))
        return row(what, target, single, best, holds and holds(median(best)))


def row(what, target, single, several, holds):
    verdict = {None: "", True: "yes", False: "no"}[holds]
    return f"| {what} | {target} | {spread(single)} | {spread(several)} | {verdict} |"


def step_rows(steps):
    """Ratios of step times."""
    settings = Settings(steps)

    def against(method, case, optimizer, least):
        """One row per reference; `least` has the targets by library."""
        for library, title in REFERENCES.items():
            target = least.get(library.split()[0])
            what = f"{NAMES[method]}, {optimizer}: {title} / Lightmeter"
            above, below = (library, method), ("lightmeter", case)
            if target:
                yield settings.row(what, f"≥ {target}", above, below, lambda x: x >= target)
            else:
                yield settings.row(what, "", above, below)

    rows = [*against("biif", "biif", "dense `Adam`", {"torch": 12, "jax": 4})]
    rows += against("biif", "biif-lazy", "`LazyAdam` (another algorithm)", {"torch": 35, "jax": 10})
    for method in ("mf", "relmf", "umf"):
        rows += against(method, method, "dense `Adam`", {})
    within = {"biif": ("≤ 2.2", lambda x: x <= 2.2)}
    for suffix, optimizer in (("", "dense `Adam`"), ("-lazy", "`LazyAdam`")):
        for method in ("biif", "umf", "mf"):
            target, holds = within.get(method, ("within 10 %", lambda x: 1 / 1.1 <= x <= 1.1))
            what = f"{NAMES[method]} / RelMF, Lightmeter, {optimizer}"
            single, several = (
                ratios(steps[f"lightmeter, {t}", method + suffix], steps[f"lightmeter, {t}", "relmf" + suffix])
                for t in ("1 thread", "all cores")
            )
            rows.append(row(what, target, single, several, holds(median(single)) and holds(median(several))))
    return rows


def top_ten_row(times, users):
    single, double = (
        ratios(times[f"implicit, {threads}", "topten"], times[f"lightmeter, {threads}", "topten"])
        for threads in ("1 thread", "2 threads")
    )
    what = f"top-10 of all users, seen items filtered, {users:,} × 20,000, d 64: implicit / Lightmeter"
    return row(what, "≥ 1", single, double, min(median(single), median(double)) >= 1)


def als_rows(times):
    for case, title in (("als-exact", "exact"), ("als-cg", "3 steps of conjugate gradient")):
        single, double = (
            ratios(times[f"implicit, {threads}", case], times[f"lightmeter, {threads}", case])
            for threads in ("1 thread", "2 threads")
        )
        what = f"WMF sweep, {title}, 50,000 × 10,000, 2 million clicks, d 64: implicit / Lightmeter"
        yield row(what, "≥ 1", single, double, min(median(single), median(double)) >= 1)


def page(machine_lines, command, options, steps, top_ten, als):
    """The generated section, without its markers."""
    lines = ["## Against PyTorch, JAX and implicit", ""]
    for line in machine_lines + [f"Command: `{command}`."]:
        lines += [line, ""]
    lines += [
        "Step times: a simulated log of Yahoo!R3's size, 15,400 × 1,000, 125,000 positives, `sampled(5)`, 6,000 validation "
        "pairs, d 50, batch 1024, float32. All programs start from the same tables and take the same batches; in float64 "
        "their tables and losses after 5 steps agree (the run fails otherwise). Lightmeter draws its batches within "
        "the measured time, the others find them in memory. "
        "PyTorch's Adam comes in two forms: the one a user gets, and the faster `fused=True`, which has to be asked "
        "for. "
        f"{options.rounds} rounds of {options.steps} steps ({4 * options.steps} of Lightmeter), the programs taking turns; "
        f"{options.topten_rounds} rounds of top-10 lists, {options.als_rounds} of sweeps.",
        "",
        "Ratios are of the same round: median (lower–upper quartile). \"1 thread\": both pinned to the same core. \"Best\": "
        "each with the better of 1 thread and all cores (what the library chooses, for PyTorch and JAX), and this one is held "
        "against the target. Among Lightmeter's own methods it is all cores for both, for top-10 and sweeps 2 threads for both, and "
        "both columns are held against the target.",
        "",
        "| what | target | 1 thread | best | met |",
        "|---|---|---|---|---|",
        *step_rows(steps),
        top_ten_row(top_ten, options.topten_users),
        *als_rows(als),
        "",
        "Milliseconds per step, per pass over all users, per sweep:",
        "",
        "| program | case | ms |",
        "|---|---|---|",
    ]
    for (program, case), times in sorted((steps | top_ten | als).items(), key=lambda entry: (entry[0][1], entry[0][0])):
        lines.append(f"| {program} | {case} | {spread(times)} |")
    return "\n".join(lines)


def replace_section(path, text):
    """Puts the text between the markers; what stands outside them stays."""
    old = path.read_text() if path.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no '{BEGIN}' … '{END}' to write between")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
