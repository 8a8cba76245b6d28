"""Real C++ sources, fetched by `scripts/fetch-sources`; of each, the folders that are the library."""

import shutil
import subprocess
from pathlib import Path

FETCH = Path(__file__).resolve().parent.parent / "scripts" / "fetch-sources"

# Per package the folder to copy from, and what of it: folders and files.
LIBRARY = {
    "bullet": ("src", ["BulletCollision", "BulletDynamics", "BulletSoftBody", "LinearMath",
                       "btBulletCollisionCommon.h", "btBulletDynamicsCommon.h"]),
    "yaml-cpp": ("", ["include", "src"]),
    "box2d": ("", ["include", "src"]),
}


def project(name, downloads, place):
    """A copy of the library in package `name`, at `place`."""
    subprocess.run([str(FETCH), str(downloads), name], check=True)
    below, parts = LIBRARY[name]
    place = Path(place)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for part in parts:
        source = Path(downloads) / name / below / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / part)
