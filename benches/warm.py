"""The cases of the daemon: what it is worth beside jmake without it, and beside ninja."""

import json
import os
import subprocess
import time
from pathlib import Path

import cases
import measure
import sources
import tools
import trees

DAEMON = "jmake + daemon"


class WarmJmake(tools.Jmake):
    """jmake through a daemon of its own."""

    name = DAEMON

    def plan(self, _jmake):
        pass

    def _start(self):
        argv, cwd, env = super()._start()
        run_dir = self.settings.work / "run"
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return argv, cwd, {**env, "JMAKE_DAEMON": "on", "XDG_RUNTIME_DIR": str(run_dir)}

    def ask(self, *words):
        """Another verb of the command, as JSON."""
        argv, cwd, env = self._start()
        argv = [argv[0], *words, str(self.root), "--json"]
        return json.loads(subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=True).stdout)

    def daemon(self):
        return self.ask("status")["daemon"]

    def stop(self):
        argv, cwd, env = self._start()
        subprocess.run([argv[0], "daemon", "stop", str(self.root)], cwd=cwd, env=env, capture_output=True)


def idle(pid, seconds):
    """How often a process's threads woke up in that many seconds, and its processor time."""
    def counted():
        switches = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status") as status:
                switches += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return switches, int(fields[11]) + int(fields[12])

    before = counted()
    time.sleep(seconds)
    after = counted()
    return after[0] - before[0], (after[1] - before[1]) / os.sysconf("SC_CLK_TCK")


def floor(settings, root):
    """Seconds that a bare client takes, as a whole process: see `floor.c`."""
    program, socket = settings.work / "floor", settings.work / "floor.sock"
    source = Path(__file__).resolve().with_name("floor.c")
    subprocess.run([str(tools.LLVM / "clang"), "-O2", "-o", str(program), str(source)], check=True)
    socket.unlink(missing_ok=True)
    server = subprocess.Popen([program, socket, root / "cookie"], stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        return measure.median([measure.run([program, socket], root, settings.env()).seconds for _ in range(41)])
    finally:
        server.kill()
        server.wait()


def generated(units, fake):
    """A generated tree of `units` units, built by a daemon, without it, and by ninja."""
    def measure_cases(settings, options, log):
        used = settings
        if fake:
            bin_dir = tools.fake_toolchain(options.fakecc, settings.work)
            used = tools.Settings(settings.jmake, settings.work, settings.jobs, settings.keep, bin_dir)
        name = f"daemon, {units:,} units".replace(",", " ").replace("  ", ", ") + (" (fakecc)" if fake else "")
        # ninja takes minutes to build the largest, which is measured against the smallest.
        others = [WarmJmake, tools.Ninja] if units < 100_000 else [WarmJmake]
        comparison = cases.Comparison(name, used, lambda root: trees.generate(root, units), others, log)
        try:
            comparison.prepare()
            unit = str(trees.unit_path("", units // 2))
            many_cases(comparison, unit, units)
        finally:
            comparison.stop()
    return measure_cases


def many_cases(comparison, unit, units):
    warm = comparison.trees[1]
    # The daemon rests after its first answer: it watches from then on.
    settle(warm)
    note = f"the least that can be, in C: {1000 * floor(comparison.settings, warm.root):.1f} ms"
    comparison.case("nothing changed", 21, cases.nothing, ("seconds", 0.003, "3 ms"), watch=False, ours=DAEMON, note=note)
    comparison.case("one file touched", 11, lambda t, _: cases.touch(t.root / unit), ("seconds", 0.010, "10 ms"), watch=False, ours=DAEMON)
    if units != 10_000:
        return
    before = warm.daemon()["memory"]
    case = comparison.case("nothing changed, 1 000 times", 1000, cases.nothing, ("seconds", 0.003, "3 ms"), only=[DAEMON], watch=False, ours=DAEMON)
    status = warm.daemon()
    wakes, cpu = idle(status["pid"], 10)
    case.note = (f"daemon's memory {before >> 20} → {status['memory'] >> 20} MiB (target ≤ 150, flat); "
                 f"{wakes} wake-ups and {cpu:.2f} s of CPU in 10 s idle (target 0)")
    comparison.settings.keep(comparison.cases)


def settle(warm):
    """Waits until the daemon watches."""
    for _ in range(100):
        warm.build()
        if warm.daemon()["noticing"]["folders"]:
            return
        time.sleep(0.05)
    raise measure.Failed(f"the daemon does not watch: {warm.daemon()}")


def bullet(settings, options, log):
    """bullet3, warm."""
    place = lambda root: sources.project("bullet", options.downloads, root)
    comparison = cases.Comparison("daemon, bullet", settings, place, [WarmJmake, tools.Ninja], log)
    try:
        comparison.prepare()
        many_cases(comparison, "BulletSoftBody/btSoftBody.cpp", 0)
    finally:
        comparison.stop()


def eager(settings, options, log):
    """From a save to the library, built ahead by the daemon; beside ninja started by hand at the
    moment of the save."""
    def place(root):
        sources.project("yaml-cpp", options.downloads, root)
        manifest = root / "jmake.toml"
        text = manifest.read_text() if manifest.exists() else ""
        manifest.write_text(text + '\n[daemon]\neager = true\n[build]\nprofile = "dev"\n[profile.dev]\ndebug = false\n')
    comparison = cases.Comparison("daemon, yaml-cpp at -O0", settings, place, [WarmJmake, tools.Ninja], log)
    unit = "src/emitter.cpp"
    try:
        comparison.prepare()
        for tree in comparison.trees:
            cases.edit(tree.root / unit, lambda text: text + '\nextern "C" int bench_mark() { return 1000; // edited by the benchmark\n}\n')
            tree.build()
        warm, ninja = comparison.trees[1], comparison.trees[2]
        settle(warm)
        case = cases.Case(comparison.group, "save → library ready", ("ratio", "ninja", 1.1), ours=DAEMON, load=os.getloadavg()[0])
        for number in range(options.repeats):
            cases.body_edit(ninja.root / unit, number)
            case.seconds.setdefault("ninja", []).append(ninja.build().seconds)
            library = warm.library()
            old = library.stat().st_ino
            start = time.monotonic()
            cases.body_edit(warm.root / unit, number)
            while not library.exists() or library.stat().st_ino == old:
                if time.monotonic() - start > 60:
                    raise measure.Failed("nothing was built ahead within a minute")
                time.sleep(0.001)
            case.seconds.setdefault(DAEMON, []).append(time.monotonic() - start)
            warm.build()
        comparison.cases.append(case)
        settings.keep(comparison.cases)
        log(f"{case.group} | {case.name}: {measure.median(case.seconds[DAEMON]):.3f} s, ninja {measure.median(case.seconds['ninja']):.3f} s")
    finally:
        comparison.stop()


ALL = {
    "daemon-1k": generated(1_000, fake=True),
    "daemon-10k": generated(10_000, fake=True),
    "daemon-100k": generated(100_000, fake=True),
    "daemon-bullet": bullet,
    "daemon-eager": eager,
}
