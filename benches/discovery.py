"""The cases of `jmake discover`, and of the questions that a config header puts to the compiler."""

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import cases
import measure
import tools
import trees
import warm

GROUP = "discovery"
CHECKS = 100
# Asked for by most of what has a config header; some are there and some are not.
HEADERS = """alloca.h arpa/inet.h arpa/nameser.h byteswap.h crypt.h dirent.h dlfcn.h endian.h err.h errno.h
execinfo.h fcntl.h float.h fnmatch.h getopt.h glob.h grp.h iconv.h ifaddrs.h inttypes.h langinfo.h libgen.h
limits.h linux/futex.h locale.h malloc.h memory.h mach/mach.h net/if.h netdb.h netinet/in.h netinet/tcp.h
poll.h pthread.h pwd.h sched.h semaphore.h signal.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h
stdint.h strings.h sys/epoll.h sys/event.h sys/mman.h sys/random.h windows.h""".split()
NAMES = """accept4:sys/socket.h aligned_alloc:stdlib.h arc4random:stdlib.h asprintf:stdio.h atexit:stdlib.h
bzero:strings.h clock_gettime:time.h closefrom:unistd.h dlopen:dlfcn.h dup3:unistd.h epoll_create1:sys/epoll.h
explicit_bzero:string.h fcntl:fcntl.h flock:sys/file.h fork:unistd.h fseeko:stdio.h fsync:unistd.h
ftruncate:unistd.h getaddrinfo:netdb.h getcwd:unistd.h getentropy:unistd.h getline:stdio.h getpagesize:unistd.h
getrandom:sys/random.h getrusage:sys/resource.h gettimeofday:sys/time.h gmtime_r:time.h if_nametoindex:net/if.h
inet_ntop:arpa/inet.h issetugid:unistd.h kqueue:sys/event.h localtime_r:time.h lstat:sys/stat.h memmem:string.h
memrchr:string.h mkdtemp:stdlib.h mkostemp:stdlib.h mmap:sys/mman.h nanosleep:time.h pipe2:unistd.h
poll:poll.h posix_memalign:stdlib.h pread:unistd.h qsort_r:stdlib.h realpath:stdlib.h reallocarray:stdlib.h
strlcpy:string.h strndup:string.h strsep:string.h timegm:time.h""".split()


def config_project(root):
    """A library whose `CMakeLists.txt` asks 100 questions for its config header."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "src").mkdir(parents=True)
    ask, template = [], []
    for header in HEADERS:
        name = "HAVE_" + "".join(c if c.isalnum() else "_" for c in header.upper())
        ask.append(f"check_include_file({header} {name})")
        template.append(f"#cmakedefine {name} 1")
    for entry in NAMES:
        name, header = entry.split(":")
        ask.append(f"check_symbol_exists({name} {header} HAVE_{name.upper()})")
        template.append(f"#cmakedefine HAVE_{name.upper()} 1")
    assert len(template) == CHECKS
    # Decisions hang on them, too: they must really be asked, not only written into the header.
    chosen = "if(HAVE_SYS_EPOLL_H AND HAVE_ACCEPT4)\n  target_sources(probed PRIVATE src/epoll.c)\nendif()\n"
    (root / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.10)\nproject(probed C)\ninclude(CheckIncludeFile)\ninclude(CheckSymbolExists)\n"
        + "\n".join(ask)
        + "\nconfigure_file(config.h.in config.h)\nadd_library(probed src/a.c)\n"
        + chosen
        + "target_include_directories(probed PRIVATE ${CMAKE_CURRENT_BINARY_DIR})\n"
    )
    (root / "config.h.in").write_text("\n".join(template) + "\n")
    (root / "src/a.c").write_text('#include "config.h"\nint a(void) { return 1; }\n')
    (root / "src/epoll.c").write_text('#include "config.h"\nint b(void) { return 2; }\n')


class Discover(tools.Jmake):
    """`jmake discover` with a cache of its own."""

    def told(self, cold=False):
        argv, cwd, env = self._start()
        cache = self.settings.work / "discover-cache"
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        env = {**env, "XDG_CACHE_HOME": str(cache)}
        return measure.run([argv[0], "discover", str(self.root)], cwd, env, watch=cold)


def _case(settings, log, name, repeats, target, measured, note=""):
    case = cases.Case(GROUP, name, target, note=note, load=os.getloadavg()[0])
    for _ in range(repeats):
        run = measured()
        case.seconds.setdefault("jmake", []).append(run.seconds)
        case.cpu.setdefault("jmake", []).append(run.cpu)
        case.memory = max(case.memory, run.memory)
    settings.keep([case])
    log(f"{GROUP} | {name}: {measure.median(case.seconds['jmake']):.4f} s")


def _settle():
    # What was written within the grain of the clock is read again each time.
    time.sleep(2.2)


def plain_project(root):
    """10,000 files as small libraries have them: sources with a header each, and few includes."""
    shutil.rmtree(root, ignore_errors=True)
    for part in range(100):
        folder = root / "src" / f"part{part}"
        folder.mkdir(parents=True)
        for n in range(50):
            name, other = f"f{n}", f"../part{(part + 1) % 100}/f{n}.h"
            (folder / f"{name}.h").write_text(f"#ifndef F_{part}_{n}_H\n#define F_{part}_{n}_H\nint f_{part}_{n}(int x);\n#endif\n")
            includes = f'#include "{name}.h"\n#include <stdio.h>\n#include "{other}"\n'
            (folder / f"{name}.c").write_text(f"{includes}int f_{part}_{n}(int x) {{\n  return x + {n};\n}}\n")


def discover(settings, options, log):
    """10,000 files, and 10,000 units of 20 includes each, without a daemon and with one."""
    plain = settings.work / "trees" / "discover-plain"
    plain_project(plain)
    _told(settings, options, log, plain, "10 000 files")
    _told(settings, options, log, trees.generate(settings.work / "trees" / "discover", 10_000), "10 000 units of 20 includes")


def _told(settings, options, log, root, name):
    _settle()
    one = Discover(settings, root)
    _case(settings, log, f"{name}, first", options.repeats, ("seconds", 0.3, "300 ms"), lambda: one.told(cold=True))
    _case(settings, log, f"{name}, nothing changed", 21, ("seconds", 0.03, "30 ms"), one.told)
    _warm(settings, root, name, log)


def _warm(settings, root, name, log):
    """The same through a daemon: as a whole process, and as an answer on a connection that is open."""
    # Only what has a folder of jmake's is watched over.
    (root / ".jmake").mkdir(exist_ok=True)
    client = warm.WarmJmake(settings, root)
    argv, cwd, env = client._start()
    env = {**env, "JMAKE_DAEMON": "on"}
    told = lambda: measure.run([argv[0], "discover", str(root)], cwd, env)
    try:
        subprocess.run([argv[0], "daemon", "start", str(root)], cwd=cwd, env=env, check=True, capture_output=True)
        for _ in range(100):
            told()
            if client.daemon()["noticing"]["folders"]:
                break
            time.sleep(0.05)
        _case(settings, log, f"{name}, nothing changed, the daemon's answer", 41, ("seconds", 0.002, "2 ms"), _asked(env, root),
              note="one request on a connection that is open")
        _case(settings, log, f"{name}, nothing changed, a process through a daemon", 41, ("seconds", 0.002, "2 ms"), told,
              note=f"the least that one can take, in C: {1000 * warm.floor(settings, root):.1f} ms")
    finally:
        client.stop()


def _asked(env, root):
    """What asks a daemon over one connection."""
    [path] = Path(env["XDG_RUNTIME_DIR"]).glob("jmake/*.sock")
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    lines = connection.makefile("rwb")

    def ask(method, params):
        lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        lines.flush()
        while "id" not in (line := json.loads(lines.readline())):
            pass
        return line["result"]

    ask("hello", {"protocol": 1, "root": str(root)})
    environment = {"path": env["PATH"].split(":"), "pkg_config_path": None, "home": env["HOME"],
                   "cache_home": env.get("XDG_CACHE_HOME"), "config_home": env.get("XDG_CONFIG_HOME"), "makeflags": ""}
    request = {"verb": "discover", "with": {"no_evidence": False, "brief": True}}

    def once():
        began = time.perf_counter()
        reply = ask("engine.handle", {"environment": environment, "request": request})
        taken = time.perf_counter() - began
        assert reply["reply"] == "outlined", reply
        return measure.Run(taken, 0, 0, "", 0)
    return once


def probes(settings, options, log):
    """A config header of 100 checks."""
    root = settings.work / "trees" / "probed"
    config_project(root)
    _settle()
    one = Discover(settings, root)
    _case(settings, log, f"{CHECKS} checks, first", options.repeats, ("seconds", 1.5, "1.5 s"), lambda: one.told(cold=True))
    _case(settings, log, f"{CHECKS} checks, again", 21, ("seconds", 0.03, "no question asked again"), one.told)


ALL = {"discover": discover, "probes": probes}
