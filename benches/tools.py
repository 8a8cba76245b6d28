"""The build tools that are compared, each with a tree of its own.

jmake comes first: the others build what it planned.  `build.ninja` is made of the
`compile_commands.json` that jmake writes (same compiler, same flags) and of the link line that the
compiler driver prints; ninja starts the linker directly with it, as jmake does, which is faster than
linking through the driver.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import measure

def _newest_llvm():
    """The `bin` folder of the newest installation, as jmake would choose it."""
    found = [path for path in Path("/usr/lib").glob("llvm-*/bin") if (path / "ld.lld").exists() and (path / "opt").exists()]
    return max(found, key=lambda path: int(path.parent.name.removeprefix("llvm-")), default=Path("/usr/bin"))


LLVM = _newest_llvm()


class Settings:
    """What all tools of one comparison share."""

    def __init__(self, jmake, work, jobs, keep, toolchain=LLVM):
        self.jmake = Path(jmake)
        self.work = Path(work)
        self.jobs = jobs
        # Called with the cases of a comparison whenever there is a new one.
        self.keep = keep
        self.toolchain = Path(toolchain)

    def env(self, **more):
        """A small environment: nothing of the user's reaches the tools."""
        home = self.work / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {"PATH": f"{self.toolchain}:/usr/bin:/bin", "HOME": str(home), **more}


class Jmake:
    """jmake in one tree, with a cache of its own."""

    name = "jmake"

    def __init__(self, settings, root, cache=None):
        self.settings = settings
        self.root = Path(root)
        self.cache = Path(cache or settings.work / "cache-jmake")
        self.flags = []

    def _start(self):
        env = self.settings.env(XDG_CACHE_HOME=str(self.cache), JMAKE_DAEMON="off")
        argv = [str(self.settings.jmake), "build", str(self.root), f"-j{self.settings.jobs}", *self.flags]
        return argv, self.root, env

    def short_peak(self):
        return measure.short_peak(*self._start())

    def build(self, watch=False):
        run = measure.run(*self._start(), watch=watch)
        if not self.library().exists():
            raise measure.Failed(f"jmake made no library:\n{run.output[-2000:]}")
        return run

    def library(self):
        found = sorted((self.root / "julia").glob("lib*.so"))
        return found[0] if found else self.root / "julia" / "lib.so"

    def forget(self):
        """What a cold build must not have: state, results and cache."""
        for name in (".jmake", "julia"):
            aside(self.settings, self.root / name)
        aside(self.settings, self.cache)

    def forget_tree(self):
        """What a fresh clone does not have; the cache stays."""
        for name in (".jmake", "julia"):
            aside(self.settings, self.root / name)

    def commands(self):
        with open(self.root / ".jmake" / "compile_commands.json") as file:
            return json.load(file)

    def stop(self):
        pass


class Ninja:
    """ninja in one tree, alone or with a compiler cache before the compiler."""

    name = "ninja"
    launcher = []

    def __init__(self, settings, root):
        self.settings = settings
        self.root = Path(root)

    def env(self):
        return self.settings.env()

    def plan(self, jmake, lto="off"):
        """Writes `build.ninja` for what `jmake` has just built."""
        lines = [
            "rule cc", "  command = $cmd", "  depfile = $dep", "  deps = gcc",
            "rule link", "  command = $cmd", "  rspfile = $out.rsp", "  rspfile_content = $in_newline", "",
        ]
        objects = []
        for entry in jmake.commands():
            argv = entry.get("arguments") or shlex.split(entry["command"])
            argv, output, depfile = self._redirect(argv, len(objects))
            objects.append(output)
            lines += [
                f"build {_path(output)}: cc {_path(entry['file'])}",
                f"  cmd = {_text(shlex.join([*self.launcher, *argv]))}",
                f"  dep = {_text(depfile)}",
            ]
        library = "out/lib.so"
        lines += [
            f"build {library}: link {' '.join(map(_path, objects))}",
            f"  cmd = {_text(self._link(library))}",
            f"default {library}",
        ]
        (self.root / "build.ninja").write_text("\n".join(lines) + "\n")

    def _redirect(self, argv, number):
        """The command with its output and depfile in this tree's own folder."""
        output = f"out/{number:06}.o"
        kept, skip = [], False
        for argument in argv:
            if skip:
                skip = False
            elif argument in ("-o", "-MF"):
                skip = True
            elif not (argument.startswith("-o") or argument.startswith("-MF")):
                kept.append(argument)
        return [*kept, f"-o{output}", f"-MF{output}.d"], output, f"{output}.d"

    def _link(self, library):
        driver = str(self.settings.toolchain / "clang++")
        argv = [driver, "-###", "-shared", "-fuse-ld=lld", "-o", library, "/dev/null"]
        printed = subprocess.run(argv, capture_output=True, text=True, env=self.env()).stderr
        line = next(line for line in printed.splitlines() if line.startswith(' "'))
        return line.strip().replace('"/dev/null"', f"@{library}.rsp")

    def build(self, watch=False):
        argv = ["ninja", f"-j{self.settings.jobs}", "--quiet"]
        return measure.run(argv, self.root, self.env(), watch=watch)

    def library(self):
        return self.root / "out" / "lib.so"

    def forget(self):
        self.forget_tree()

    def forget_tree(self):
        aside(self.settings, self.root / "out")
        for name in (".ninja_deps", ".ninja_log"):
            (self.root / name).unlink(missing_ok=True)

    def stop(self):
        pass


class Ccache(Ninja):
    """ninja + ccache with a cache of its own."""

    name = "ninja + ccache"
    launcher = ["ccache"]

    def env(self):
        cache = self.settings.work / "cache-ccache"
        return self.settings.env(CCACHE_DIR=str(cache), CCACHE_BASEDIR=str(self.root), CCACHE_NOHASHDIR="1")

    def forget(self):
        super().forget()
        aside(self.settings, self.settings.work / "cache-ccache")


class Sccache(Ninja):
    """ninja + sccache with a server of its own on the loopback interface."""

    name = "ninja + sccache"
    launcher = ["sccache"]
    port = 43917

    def __init__(self, settings, root):
        super().__init__(settings, root)
        self.started = False

    def env(self):
        cache = self.settings.work / "cache-sccache"
        return self.settings.env(SCCACHE_DIR=str(cache), SCCACHE_SERVER_PORT=str(self.port), SCCACHE_IDLE_TIMEOUT="0")

    def build(self, watch=False):
        if not self.started:
            # The server keeps what it is started with open, so it must not inherit a pipe.
            subprocess.run(["sccache", "--start-server"], env=self.env(), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=True)
            self.started = True
        return super().build(watch)

    def forget(self):
        super().forget()
        self.stop()
        aside(self.settings, self.settings.work / "cache-sccache")

    def stop(self):
        if self.started:
            subprocess.run(["sccache", "--stop-server"], env=self.env(), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            self.started = False


def aside(settings, path):
    """Takes `path` away without removing it: ext4 looks anew at the place of each file removed in
    the last minute whenever it makes one, so removing slows down what is measured next."""
    if path.exists():
        trash = settings.work / "trees" / "aside"
        trash.mkdir(parents=True, exist_ok=True)
        path.rename(trash / str(time.time_ns()))


def _path(path):
    return re.sub(r"([$ :\n])", r"$\1", path)


def _text(text):
    return text.replace("$", "$$")


def symbols(library, toolchain=LLVM):
    """The names a library exports."""
    argv = [str(toolchain / "llvm-nm"), "-D", "--defined-only", "--format=just-symbols", str(library)]
    return sorted(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())


def fake_toolchain(fakecc, work):
    """A folder of the fake toolchain whose objects hold digests, as large trees want it."""
    root = Path(work) / "fake" / "llvm-19"
    subprocess.run([str(fakecc), "--install", str(root)], check=True)
    (root / "bin" / "fakecc.toml").write_text("digest = true\n")
    return root / "bin"
