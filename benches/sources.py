"""Real C++ sources, fetched by `scripts/fetch-sources`; of each, the folders that are the library."""

import shutil
import subprocess
from pathlib import Path

FETCH = Path(__file__).resolve().parent.parent / "scripts" / "fetch-sources"

# Per package the folder to copy from, and what of it.
LIBRARY = {
    "bullet": ("src", ["BulletCollision", "BulletDynamics", "BulletSoftBody", "LinearMath"]),
    "yaml-cpp": ("", ["include", "src"]),
    "box2d": ("", ["include", "src"]),
}


def project(name, downloads, place):
    """A copy of the library in package `name`, at `place`."""
    subprocess.run([str(FETCH), str(downloads), name], check=True)
    below, parts = LIBRARY[name]
    place = Path(place)
    shutil.rmtree(place, ignore_errors=True)
    for part in parts:
        shutil.copytree(Path(downloads) / name / below / part, place / part)
