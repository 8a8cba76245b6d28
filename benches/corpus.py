"""Scores discovery on real libraries: what jmake's library exports beside what upstream's does.

`corpus.json` holds, of each library, where its sources are to be had and the symbols that its own
build exports (the first 24 bits of the SHA-256 of each name, six hexadecimal digits a symbol):
`strong` and `weak` of the library, `objects` all that its objects define, `optional` what upstream
builds only when asked.  Weak symbols depend on the optimiser and are not scored.

A library is `ok` when at least 99 % of its strong symbols are exported, at most 1 % are foreign, and
it leaves nothing undefined that upstream's objects define.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
GOOD = 0.99
# Symbols of every library, by the linker.
LINKERS = {"_init", "_fini", "_edata", "_end", "__bss_start"}


def sources(library, downloads):
    """The folder with the sources of `library`; fetched when it is not there."""
    package, version = library["package"], library["version"]
    place = downloads / package
    if library["registry"] == "debian":
        # The release's latest: its security updates change no symbols.
        subprocess.run([ROOT / "scripts" / "fetch-sources", downloads, package], check=True)
    elif not place.is_dir():
        fetch = crate if library["registry"] == "crate" else sdist
        with tempfile.TemporaryDirectory(dir=downloads) as work:
            fetch(package, version, Path(work)).rename(place)
    return place / library["folder"]


def crate(package, version, work):
    (work / "src").mkdir()
    (work / "src" / "lib.rs").touch()
    (work / "Cargo.toml").write_text(
        f'[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n{package} = "={version}"\n'
    )
    subprocess.run(["cargo", "vendor", "--quiet", "vendor"], cwd=work, check=True, stdout=subprocess.DEVNULL)
    return work / "vendor" / package


def sdist(package, version, work):
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, f"{package}=={version}", "-d", work], check=True)
    with tarfile.open(next(work.glob("*.tar.gz"))) as archive:
        archive.extractall(work, filter="data")
    return next(path for path in work.iterdir() if path.is_dir())


def names(tool, flag, library):
    """The dynamic symbols that `flag` selects, with their kinds."""
    out = subprocess.run([tool, "-D", flag, library], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        kind, name = line.split()[-2:]
        name = name.split("@")[0]
        if kind != "A" and name not in LINKERS:
            yield kind, name


def digest(name):
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def digests(text):
    return {text[at : at + 6] for at in range(0, len(text), 6)}


def score(library, built, tool):
    """Verdict, recall, precision and names nobody defines."""
    if library["header_only"]:
        return ("part" if built else "ok"), 1.0, 1.0, []
    if len(built) != 1:
        return "fail", 0.0, 0.0, []
    want, want_weak = digests(library["strong"]), digests(library["weak"])
    known = digests(library["objects"]) | want | want_weak
    defined = list(names(tool, "--defined-only", built[0]))
    weak = {digest(name) for kind, name in defined if kind in "WwVvu"}
    strong = {digest(name) for kind, name in defined if kind not in "WwVvu"}
    foreign = strong - known - digests(library["optional"])
    wanted = {name for _, name in names(tool, "--undefined-only", built[0])}
    holes = sorted(name for name in wanted if digest(name) in known - strong - weak)
    recall = len(want & (strong | weak)) / len(want)
    precision = 1 - len(foreign) / len(strong) if strong else 1.0
    good = recall >= GOOD and precision >= GOOD and not holes
    return ("ok" if good else "part"), recall, precision, holes


def build(library, options, downloads, work):
    checkout = work / library["name"]
    shutil.copytree(sources(library, downloads), checkout, symlinks=True)
    for own in ["jmake.toml", "julia"]:
        path = checkout / own
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    environment = dict(os.environ, XDG_CACHE_HOME=str(work / "cache"), HOME=str(work))
    command = [options.jmake, "build", checkout, "--daemon", "off", *["--no-evidence"] * options.no_evidence]
    ran = subprocess.run(command, env=environment, capture_output=True, timeout=600)
    return sorted((checkout / "julia").glob("lib*.so")), ran.stderr.decode(errors="replace")


def main():
    parser = argparse.ArgumentParser(description="Scores discovery on real libraries.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="which libraries (all)")
    parser.add_argument("--jmake", default=str(ROOT / "target" / "release" / "jmake"), help="the program to score")
    parser.add_argument("--no-evidence", action="store_true", help="without the build descriptions")
    parser.add_argument("--at-least", type=int, default=0, help="fail when fewer are ok")
    parser.add_argument("--tell", action="store_true", help="show what jmake said where it is not ok")
    options = parser.parse_args()
    options.jmake = os.path.abspath(options.jmake)
    tools = [f"llvm-nm-{version}" for version in range(25, 13, -1)]
    tool = next(filter(None, map(shutil.which, ["llvm-nm", *tools, "nm"])), None)
    if not tool:
        sys.exit("corpus: there is no `nm` here; run scripts/install-tools test")
    downloads = Path(os.environ.get("JMAKE_SOURCES", ROOT / "target" / "sources"))
    downloads.mkdir(parents=True, exist_ok=True)
    libraries = json.loads((HERE / "corpus.json").read_text())
    chosen = [one for one in libraries if not options.names or one["name"] in options.names]
    good = 0
    print(f"{'library':<12} {'verdict':<7} {'recall':>6} {'precision':>9}")
    for library in chosen:
        with tempfile.TemporaryDirectory(prefix="jmake-corpus-") as work:
            built, said = build(library, options, downloads, Path(work))
            verdict, recall, precision, holes = score(library, built, tool)
        good += verdict == "ok"
        print(f"{library['name']:<12} {verdict:<7} {recall:6.3f} {precision:9.3f}", *holes[:3], flush=True)
        if options.tell and verdict != "ok":
            print(said[-2000:])
    print(f"{good} of {len(chosen)} ok")
    return int(good < options.at_least)


if __name__ == "__main__":
    sys.exit(main())
