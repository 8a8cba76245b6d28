"""Runs one command and tells how long it took and how much memory it itself used.

The kernel's figure at the end of a process includes its children, and a compiler is far larger than
a build tool; so the peak of the process alone is read from `/proc` while it runs.  A run too short for
that starts no children, and is done once more under `/usr/bin/time` (started by Python directly it
would count what Python itself uses).
"""

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass


@dataclass
class Run:
    """One finished command."""

    seconds: float
    cpu: float  # processor seconds, of the children too
    memory: int  # the process's own peak resident size in bytes, 0 when not seen
    output: str
    code: int


class Failed(Exception):
    """A command that must succeed did not."""


def _own_peak(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def run(argv, cwd, env, check=True, watch=False):
    """Starts `argv` and waits.  With `watch` the memory is that of the process without its children."""
    start = time.perf_counter()
    process = subprocess.Popen(
        argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    done = threading.Event()
    peak = [0]
    thread = threading.Thread(target=_watch, args=(process.pid, done, peak))
    if watch:
        thread.start()
    output = process.stdout.read()
    # Reaped by hand: the moment of the end is what counts.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    if watch:
        thread.join()
    process.stdout.close()
    text = output.decode(errors="replace")
    if check and process.returncode != 0:
        raise Failed(f"{argv[:4]} in {cwd} exited with {process.returncode}:\n{text[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak[0], text, process.returncode)


def _watch(pid, done, peak):
    pause = 0.002
    while not done.wait(pause):
        peak[0] = max(peak[0], _own_peak(pid))
        pause = min(pause * 1.5, 0.02)


def short_peak(argv, cwd, env):
    """The peak resident size in bytes of a short command that starts no others."""
    if not os.path.exists("/usr/bin/time"):
        return 0
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *argv], cwd=cwd, env=env, capture_output=True, text=True)
    return int(done.stderr.split()[-1]) * 1024


def median(values):
    return statistics.median(values)


def ratio(ours, theirs):
    """The median of the ratios of runs made one after the other, which noise hits alike."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def machine(llvm):
    """What the figures were taken on."""
    def first(path, key):
        with open(path) as text:
            return next((line.split(":", 1)[1].strip() for line in text if line.startswith(key)), "")

    def version(argv):
        try:
            text = subprocess.run(argv, capture_output=True, text=True).stdout
            return next((line.strip() for line in text.splitlines() if line.strip()), "?")
        except OSError:
            return "absent"

    memory = int(first("/proc/meminfo", "MemTotal").split()[0]) // (1 << 20)
    return {
        "processor": f"{first('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{memory} GiB",
        "system": f"{os.uname().sysname} {os.uname().release}",
        "compiler": version([str(llvm / "clang"), "--version"]),
        "linker": version([str(llvm / "ld.lld"), "--version"]),
        "ninja": version(["ninja", "--version"]),
        "ccache": version(["ccache", "--version"]),
        "sccache": version(["sccache", "--version"]),
        "date": time.strftime("%Y-%m-%d"),
    }
