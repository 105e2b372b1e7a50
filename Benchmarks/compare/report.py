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


def row(what, target, values, holds):
    verdict = "" if holds is None else "yes" if holds(median(values)) else "no"
    return f"| {what} | {target} | {spread(values)} | {verdict} |"


def step_rows(steps):
    """Ratios of step times, each reference with the thread setting that served it best."""

    def best(library, method):
        settings = [name for name, case in steps if name.startswith(f"{library},") and case == method]
        return min(settings, key=lambda name: median(steps[name, method]))

    def against(method, case, optimizer, least):
        """One row per reference; `least` has the targets by library."""
        for library, title in REFERENCES.items():
            name = best(library, method)
            target = least.get(library.split()[0])
            what = f"{NAMES[method]}, {optimizer}: {title} ({name.split(', ')[1]}) / Lightmeter"
            values = ratios(steps[name, method], steps["lightmeter", case])
            yield row(what, f"≥ {target}" if target else "", values, target and (lambda x: x >= target))

    def lightmeter(above, below, what, target, holds):
        return row(what, target, ratios(steps["lightmeter", above], steps["lightmeter", below]), holds)

    rows = [*against("biif", "biif", "dense `Adam`", {"torch": 12, "jax": 4})]
    rows += against("biif", "biif-lazy", "`LazyAdam` (another algorithm)", {"torch": 35, "jax": 10})
    for method in ("mf", "relmf", "umf"):
        rows += against(method, method, "dense `Adam`", {})
    for suffix, optimizer in (("", "dense `Adam`"), ("-lazy", "`LazyAdam`")):
        rows.append(
            lightmeter(
                f"biif{suffix}", f"relmf{suffix}", f"Biif / RelMF, Lightmeter, {optimizer}", "≤ 2.2", lambda x: x <= 2.2
            )
        )
        for method in ("umf", "mf"):
            what = f"{NAMES[method]} / RelMF, Lightmeter, {optimizer}"
            rows.append(
                lightmeter(
                    f"{method}{suffix}", f"relmf{suffix}", what, "within 10 %", lambda x: 1 / 1.1 <= x <= 1.1
                )
            )
    return rows


def top_ten_rows(times, users):
    rows = []
    for threads in ("1 thread", "2 threads"):
        values = ratios(times[f"implicit, {threads}", "topten"], times[f"lightmeter, {threads}", "topten"])
        what = f"top-10 of all users, seen items filtered, {users:,} × 20,000, d 64, {threads}: implicit / Lightmeter"
        rows.append(row(what, "≥ 1", values, lambda x: x >= 1))
    return rows


def page(machine_lines, command, options, steps, top_ten):
    """The generated section, without its markers."""
    lines = ["## Against PyTorch, JAX and implicit", ""]
    for line in machine_lines + [f"Command: `{command}`."]:
        lines += [line, ""]
    lines += [
        "Step times: a simulated log of Yahoo!R3's size, 15,400 × 1,000, 125,000 positives, `sampled(5)`, 6,000 validation "
        "pairs, d 50, batch 1024, float32. All programs start from the same tables and take the same batches; in float64 "
        "their tables and losses after 5 steps agree (the run fails otherwise). Lightmeter draws its batches within "
        "the measured time, the others find them in memory. Lightmeter and the references' \"1 thread\" run pinned to "
        "one core; \"default threads\" is what the library chooses, and each reference counts with the better of the two. "
        "PyTorch's Adam comes in two forms: the one a user gets, and the faster `fused=True`, which has to be asked "
        "for. "
        f"{options.rounds} rounds of {options.steps} steps ({4 * options.steps} of Lightmeter), the programs taking turns; "
        f"{options.topten_rounds} rounds of top-10 lists.",
        "",
        "Ratios are of the same round: median (lower–upper quartile).",
        "",
        "| what | target | ratio | met |",
        "|---|---|---|---|",
        *step_rows(steps),
        *top_ten_rows(top_ten, options.topten_users),
        "",
        "Milliseconds per step, or per pass over all users:",
        "",
        "| program | case | ms |",
        "|---|---|---|",
    ]
    for (program, case), times in sorted((steps | top_ten).items(), key=lambda entry: (entry[0][1], entry[0][0])):
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
