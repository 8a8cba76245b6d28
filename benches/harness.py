"""The command line of the benchmark: chooses cases, runs them, writes the report.

Figures are kept in `bench/results.json` of cargo's target folder case by case, so that one project can be measured
again without the others; the report is always made of all that is there.
"""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import cases
import discovery
import measure
import report
import tools
import warm

ALL = {**cases.ALL, **warm.ALL, **discovery.ALL}
REPOSITORY = Path(__file__).resolve().parent.parent

INTRO = """# Performance

jmake beside ninja, on the same trees, with the same compiler, flags and link line.
This page and its plot are written by `scripts/bench`; nothing in it is typed by hand.

- Every figure is the median of several runs; the tools run in turns (A B A B …), and a ratio is the
  median of the ratios of neighbouring runs, so that noise hits both alike.
- ninja builds from a `build.ninja` made of jmake's `compile_commands.json`, and starts the linker
  directly with the line that the compiler driver prints, as jmake does.
- ccache and sccache have caches of their own, and paths are made relative for them, so that a
  fresh clone can hit.
- The CPU ratio is of processor time, compilers included; unlike time it hardly depends on what else
  the machine does.
- Memory is that of jmake's process alone, without the compilers it starts.
- Where no daemon is named jmake runs without it: each figure is a whole process from start to end,
  and so is that of a client of the daemon.
- What was not measured again stays as it was last measured."""

GROUPS = {
    "10 000 units (fakecc)": "Compiled by `fakecc`, a stand-in of about a millisecond a file, for both tools: "
    "real compilers would take hours, and what is compared is the build tool.",
    "100 000 units (fakecc)": "Compiled by `fakecc` for both tools, as above.",
    "MathLib": "The seed's example (5 sources of about 200 lines, 3 headers) against the seed's own figures.",
    "bullet": "bullet3 3.24, the library's 173 units at -O2.",
}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"which projects: {', '.join(ALL)} (all)")
    parser.add_argument("--repeats", type=int, default=7, help="runs of each short case")
    parser.add_argument("--waves", type=int, default=2, help="runs of each case in which much is compiled")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="prove in a minute that the harness works")
    parser.add_argument("--report", action="store_true", help="only write the report of what was measured")
    parser.add_argument("--jmake", type=lambda given: Path(given).resolve(), help="the program to measure (built when not given)")
    parser.add_argument("--keep", action="store_true", help="keep the trees")
    return parser.parse_args()


def target_folder():
    """Where cargo builds."""
    argv = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    printed = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return Path(json.loads(printed)["target_directory"])


def build_programs(options):
    """The programs to measure; for the smoke test those that other tests have built already."""
    profile = [] if options.smoke else ["--release"]
    target = target_folder() / ("debug" if options.smoke else "release")
    options.fakecc = target / "fakecc"
    wanted = [] if options.smoke else ["fakecc"]
    if not options.jmake:
        wanted.append("jmake-cli")
        options.jmake = target / "jmake"
    if wanted:
        packages = [argument for name in wanted for argument in ("--package", name)]
        subprocess.run(["cargo", "build", "--quiet", *profile, *packages], cwd=REPOSITORY, check=True)


def load(path):
    if not path.exists():
        return []
    return [cases.Case(**{**case, "target": tuple(case["target"])}) for case in json.loads(path.read_text())]


def keep(path, new):
    """New figures replace those of the same case."""
    named = {(case.group, case.name) for case in new}
    merged = [case for case in load(path) if (case.group, case.name) not in named] + new
    path.write_text(json.dumps([asdict(case) for case in merged], indent=1))


def write_report(found):
    docs = REPOSITORY / "docs"
    text = report.markdown(found, measure.machine(tools.LLVM), {"intro": INTRO, "groups": GROUPS})
    measured = {case.group for case in found}
    page = docs / "performance.md"
    whole = report.with_kept(text, page.read_text(), measured)
    page.write_text(whole)
    # The plot is of everything, so it is only drawn anew when everything is known.
    if whole == text:
        (docs / "performance.svg").write_text(report.plot(found))


def main():
    options = arguments()
    unknown = [name for name in options.cases if name not in ALL]
    if unknown:
        print(f"no such case: {', '.join(unknown)}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    work = target_folder() / ("bench-smoke" if options.smoke else "bench")
    work.mkdir(parents=True, exist_ok=True)
    results = work / "results.json"
    if options.report:
        write_report(load(results))
        return 0
    build_programs(options)
    options.downloads = target_folder() / "sources"
    options.downloads.mkdir(parents=True, exist_ok=True)
    settings = tools.Settings(options.jmake, work, options.jobs, lambda new: keep(results, new))
    chosen = {"smoke": cases.smoke} if options.smoke else {name: ALL[name] for name in options.cases or ALL}
    log = lambda line: print(line, flush=True)
    for name, measure_case in chosen.items():
        try:
            measure_case(settings, options, log)
        except measure.Failed as failure:
            print(f"{name}: {failure}", file=sys.stderr)
            if options.smoke:
                return 1
        if not options.keep:
            shutil.rmtree(work / "trees", ignore_errors=True)
    if not options.smoke:
        write_report(load(results))
    return 0
