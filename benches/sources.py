"""Real C++ sources, from Debian's source packages.

They are fetched by `apt-get source --download-only` with lists and settings of their own below the
download folder, so the system's are neither used nor changed, and unpacked once.
"""

import shutil
import subprocess
import tarfile
from pathlib import Path

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# The folder of each package that is the library itself.
PACKAGES = {"bullet": "src", "yaml-cpp": "", "box2d": ""}
UNWANTED = {"bullet": ["Bullet3OpenCL", "Bullet3Common/b3ResizablePool.h~"]}


def fetch(name, downloads):
    """The unpacked source of the Debian package `name`."""
    downloads = Path(downloads)
    unpacked = downloads / name
    if unpacked.exists():
        return unpacked
    apt = downloads / "apt"
    (apt / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    lists = apt / "sources.list"
    lists.write_text(f"deb-src [signed-by={KEYRING}] {MIRROR} {SUITE} main\n")
    options = [
        "-o", f"Dir::Etc::sourcelist={lists}",
        "-o", "Dir::Etc::sourceparts=/dev/null",
        "-o", f"Dir::State::Lists={apt / 'lists'}",
    ]
    subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
    subprocess.run(
        ["apt-get", *options, "-qq", "source", "--download-only", name], cwd=apt, check=True
    )
    archive = next(path for path in sorted(apt.iterdir()) if path.name.startswith(f"{name}_") and ".orig.tar" in path.name)
    temporary = downloads / f"{name}.new"
    shutil.rmtree(temporary, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(temporary, filter="data")
    inner = list(temporary.iterdir())
    (inner[0] if len(inner) == 1 else temporary).rename(unpacked)
    shutil.rmtree(temporary, ignore_errors=True)
    return unpacked


def project(name, downloads, place):
    """A copy of the part of package `name` that is a library, at `place`."""
    source = fetch(name, downloads) / PACKAGES[name]
    shutil.rmtree(place, ignore_errors=True)
    ignore = shutil.ignore_patterns(*UNWANTED.get(name, []), ".git*")
    shutil.copytree(source, place, ignore=ignore)
    return Path(place)
