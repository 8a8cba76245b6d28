"""The cases: what is done to a tree, and how each tool does afterwards.

Each case edits the tree of every tool in the same way and runs the tools one after the other
(A B A B …), so that noise hits them alike.  Every figure is kept; the report takes medians, and
medians of ratios of neighbouring runs.
"""

import os
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import measure
import sources
import tools
import trees


@dataclass
class Case:
    """The figures of one case."""

    group: str
    name: str
    # What jmake should reach: ("ratio", tool, limit) or ("seconds", limit, text).
    target: tuple
    seconds: dict = field(default_factory=dict)
    cpu: dict = field(default_factory=dict)
    memory: int = 0
    note: str = ""
    # The machine's load when the case began: what others did meanwhile is in every figure.
    load: float = 0.0
    # Whose figures are judged.
    ours: str = "jmake"


class Comparison:
    """One project built by several tools, each in a copy of its own."""

    def __init__(self, group, settings, tree, peers, log):
        self.group = group
        self.settings = settings
        self.log = log
        self.cases = []
        self.trees = []
        for kind in [tools.Jmake, *peers]:
            root = settings.work / "trees" / group.replace(" ", "-") / kind.name.replace(" ", "")
            tree(root)
            self.trees.append(kind(settings, root))
        self.jmake = self.trees[0]
        self.ninja = self.trees[1] if len(self.trees) > 1 else None

    def prepare(self):
        """The first build of each, not measured; the others' plans come from jmake's."""
        self.jmake.forget()
        self.jmake.build()
        for peer in self.trees[1:]:
            peer.plan(self.jmake)
            peer.build()
        self.check()

    def check(self):
        """All tools must have made the same library, or the comparison means nothing."""
        ours = tools.symbols(self.jmake.library(), self.settings.toolchain)
        for peer in self.trees[1:]:
            theirs = tools.symbols(peer.library(), self.settings.toolchain)
            if ours != theirs:
                odd = sorted(set(ours) ^ set(theirs))[:5]
                raise measure.Failed(f"{self.group}: {peer.name} exports other symbols than jmake: {odd}")
        if not ours:
            raise measure.Failed(f"{self.group}: the library exports nothing")
        return len(ours)

    def case(self, name, repeats, before, target, only=None, watch=True, note="", ours="jmake"):
        """Measures: `before(tree, number)` changes a tool's tree, then it builds."""
        case = Case(self.group, name, target, note=note, load=os.getloadavg()[0], ours=ours)
        chosen = [tree for tree in self.trees if only is None or tree.name in only]
        for number in range(repeats):
            for tree in chosen:
                before(tree, number)
            for tree in chosen:
                run = tree.build(watch=watch)
                case.seconds.setdefault(tree.name, []).append(run.seconds)
                case.cpu.setdefault(tree.name, []).append(run.cpu)
                if tree is self.jmake:
                    case.memory = max(case.memory, run.memory)
        self.cases.append(case)
        if not watch:
            case.memory = self.jmake.short_peak()
        # Kept at once: a long comparison may be interrupted.
        self.settings.keep(self.cases)
        figures = ", ".join(f"{name} {measure.median(times):.3f} s" for name, times in case.seconds.items())
        self.log(f"{self.group} | {name}: {figures}")
        return case

    def stop(self):
        for tree in self.trees:
            tree.stop()


def edit(path, change):
    """Rewrites a file; its time moves on as with any editor."""
    path.write_text(change(path.read_text()))


def body_edit(path, number):
    """Another constant in a function, so that code really differs each time."""
    salt = int(time.time() * 1000) % 1_000_000
    edit(path, lambda text: re.sub(r"\b\d+; // edited by the benchmark", f"{salt}{number}; // edited by the benchmark", text))


def touch(path):
    os.utime(path)


def comment_in_place(path, number):
    """Other words in the first comment, no line moved."""
    edit(path, lambda text: re.sub(r"(//|/\*)[^\n*]*", lambda m: f"{m[1]} words of round {number} {time.time_ns()} ", text, count=1))


def comment_line(path, number):
    """A line of comment more at the top, so that every token below moves down."""
    edit(path, lambda text: f"// line of round {number} {time.time_ns()}\n{text}")


def within_guard(text, added):
    """`text` of a header with `added` at its end, before the `#endif` of an include guard."""
    head, guard, tail = text.rpartition("\n#endif")
    return head + added + guard + tail if guard and "\n" not in tail.strip() else text + added


def nothing(_tree, _number):
    pass


def forget(tree, _number):
    tree.forget()


def fresh_clone(tree, _number):
    tree.forget_tree()


def unit_cases(comparison, unit, header, repeats, waves, peers=None):
    """The cases of every project: nothing, one unit, the widely included header (`waves` times)."""
    at_ninja = ("ratio", "ninja", 0.6)
    comparison.case("nothing changed", max(repeats, 7), nothing, at_ninja, only=peers, watch=False)
    comparison.case("one unit's body edited", repeats, lambda t, n: body_edit(t.root / unit, n), ("ratio", "ninja", 1.0), only=peers)
    if header:
        comparison.case("wide header touched", waves, lambda t, _: touch(t.root / header), ("ratio", "ninja", 0.2), only=peers)
        comparison.case("comment edited in wide header", waves, lambda t, n: comment_in_place(t.root / header, n), ("ratio", "ninja", 0.2), only=peers)
        comparison.case("comment line added to wide header", waves, lambda t, n: comment_line(t.root / header, n), ("ratio", "ninja", 1.0), only=peers)


def branch_case(comparison, unit, header, repeats, peers=None):
    """There (one unit and the wide header differ) and back; the way back is measured."""
    def there(tree, number):
        kept = {}
        for name in (unit, header):
            path = tree.root / name
            kept[path] = path.read_text()
        body_edit(tree.root / unit, number)
        added = f"\ninline int branch_{number}() {{ return {time.time_ns() % 1000}; }}\n"
        edit(tree.root / header, lambda text: within_guard(text, added))
        tree.build()
        for path, text in kept.items():
            path.write_text(text)
    comparison.case("branch switched there and back", repeats, there, ("ratio", "ninja", 0.2), only=peers, note="the way back")


def lto_cases(comparison, repeats):
    """Switching `lto` must compile nothing."""
    jmake = comparison.jmake
    last = "off"
    for lto in ("thin", "full"):
        def switch(_tree, _number, lto=lto, last=last):
            jmake.flags = [f"--lto={last}"]
            jmake.build()
            jmake.flags = [f"--lto={lto}"]
            for name in ("thinlto", "ir", "results"):
                shutil.rmtree(jmake.root / ".jmake" / "release" / name, ignore_errors=True)
            shutil.rmtree(jmake.cache, ignore_errors=True)
        limit = 28.3 if lto == "full" else 15.0
        comparison.case(f"lto switched {last} → {lto}", repeats, switch, ("seconds", limit, "no unit compiled"), only=["jmake"],
                        note="later stages cold")
        last = lto
    jmake.flags = []
    jmake.build()


def bullet(settings, options, log):
    """bullet3: 173 units, the seed's large example."""
    peers = [tools.Ninja, tools.Ccache, tools.Sccache]
    place = lambda root: sources.project("bullet", options.downloads, root)
    comparison = Comparison("bullet", settings, place, peers, log)
    try:
        comparison.prepare()
        wide = "LinearMath/btVector3.h"
        unit = "BulletSoftBody/btSoftBody.cpp"
        for tree in comparison.trees:
            mark = tree.root / unit
            edit(mark, lambda text: text + '\nextern "C" int bench_mark() { return 1000; // edited by the benchmark\n}\n')
            tree.build()
        caches = ["jmake", "ninja + ccache", "ninja + sccache"]
        comparison.case("fresh clone, warm cache", options.waves, fresh_clone, ("ratio", "ninja + ccache", 0.33), only=caches)
        unit_cases(comparison, unit, wide, min(options.repeats, 5), options.waves, peers=["jmake", "ninja"])
        comparison.case("cold", options.waves, forget, ("ratio", "ninja", 1.02), only=["jmake", "ninja"])
        lto_cases(comparison, 1)
    finally:
        comparison.stop()


def small(name, unit, header):
    """A real library of a few dozen units."""
    def cases(settings, options, log):
        place = lambda root: sources.project(name, options.downloads, root)
        comparison = Comparison(name, settings, place, [tools.Ninja, tools.Ccache], log)
        comparison.prepare()
        for tree in comparison.trees:
            edit(tree.root / unit, lambda text: text + '\nextern "C" int bench_mark() { return 1000; // edited by the benchmark\n}\n')
            tree.build()
        repeats = options.repeats
        unit_cases(comparison, unit, header, repeats, options.waves, peers=["jmake", "ninja"])
        branch_case(comparison, unit, header, options.waves, peers=["jmake", "ninja"])
        comparison.case("fresh clone, warm cache", repeats, fresh_clone, ("ratio", "ninja + ccache", 1.0), only=["jmake", "ninja + ccache"])
        comparison.case("cold", options.waves, forget, ("ratio", "ninja", 1.02), only=["jmake", "ninja"])
    return cases


def generated(units, fake):
    """A generated tree of `units` units."""
    def cases(settings, options, log):
        used = settings
        if fake:
            bin_dir = tools.fake_toolchain(options.fakecc, settings.work)
            used = tools.Settings(settings.jmake, settings.work, settings.jobs, settings.keep, bin_dir)
        name = f"{units:,} units".replace(",", " ") + (" (fakecc)" if fake else "")
        comparison = Comparison(name, used, lambda root: trees.generate(root, units), [tools.Ninja], log)
        comparison.prepare()
        repeats = min(options.repeats, 3) if units > 10_000 else options.repeats
        unit = str(trees.unit_path("", units // 2))
        # In the small tree the compiler is real and a header that all units include takes long.
        header = {1_000: "include/h00001.hpp", 10_000: "include/base.hpp"}.get(units)
        waves = options.waves
        unit_cases(comparison, unit, header, repeats, waves)
        if header:
            branch_case(comparison, unit, "include/h00001.hpp", waves)
            comparison.case("cold", waves, forget, ("ratio", "ninja", 1.02))
    return cases


def mathlib(settings, options, log):
    """The seed's example against the figures that the seed gives for itself."""
    comparison = Comparison("MathLib", settings, trees.mathlib, [tools.Ninja], log)
    comparison.prepare()
    repeats = options.repeats
    comparison.case("cold", repeats, forget, ("seconds", 28.3, "seed: 28.3 s"))
    unit = "src/series.cpp"
    comparison.case("one file edited", repeats, lambda t, n: body_edit(t.root / unit, n), ("seconds", 1.8, "seed: 1.8 s"))
    comparison.case("nothing changed", max(repeats, 7), nothing, ("seconds", 0.12, "seed: 0.12 s"), watch=False)


SMOKE_UNITS = 50

ALL = {
    "mathlib": mathlib,
    "1k": generated(1_000, fake=False),
    "10k": generated(10_000, fake=True),
    "100k": generated(100_000, fake=True),
    "yaml-cpp": small("yaml-cpp", "src/emitter.cpp", "include/yaml-cpp/dll.h"),
    "box2d": small("box2d", "src/dynamics/b2_world.cpp", "include/box2d/b2_math.h"),
    "bullet": bullet,
}


def smoke(settings, options, log):
    """Proves in less than a minute that the harness works: results, not times, are checked."""
    peers = []
    for peer, program in ((tools.Ninja, "ninja"), (tools.Ccache, "ccache"), (tools.Sccache, "sccache")):
        if shutil.which(program):
            peers.append(peer)
        elif os.environ.get("JMAKE_REQUIRE_ALL"):
            raise measure.Failed(f"there is no {program} here; run scripts/install-tools test")
        else:
            log(f"smoke | skipped: there is no {program} here")
    comparison = Comparison("smoke", settings, lambda root: trees.generate(root, SMOKE_UNITS), peers, log)
    try:
        comparison.prepare()
        few = ["jmake", "ninja"]
        unit_cases(comparison, "src/d0000/u000025.cpp", "include/base.hpp", 1, 1, peers=few)
        branch_case(comparison, "src/d0000/u000025.cpp", "include/h00001.hpp", 1, peers=few)
        comparison.case("fresh clone, warm cache", 1, fresh_clone, ("ratio", "ninja + ccache", 1.0))
        exported = comparison.check()
        if exported != SMOKE_UNITS:
            raise measure.Failed(f"{SMOKE_UNITS} functions were to be exported, {exported} are")
    finally:
        comparison.stop()
