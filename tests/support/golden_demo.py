"""Hashes of every array and tensor of a rebuilt demo: weights, images, labels, probabilities; records apart.

`python tests/support/golden_demo.py FOLDER` prints those of the project in FOLDER, as tests/golden/MAKER/demo.json.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import safe_open


def of_tensors(path: Path) -> str:
    """SHA-256 of a safetensors file's tensors by name; what else it says doesn't count."""
    total = hashlib.sha256()
    with safe_open(path, framework="np") as file:
        for name in sorted(file.keys()):
            array = np.ascontiguousarray(file.get_tensor(name))
            total.update(f"{name} {array.dtype} {array.shape}\n".encode() + array.tobytes())
    return total.hexdigest()


def of_images(folder: Path) -> str:
    """SHA-256 of a set's pixels and labels."""
    arrays = [np.load(folder / f"{name}.npy") for name in ("images", "labels")]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def of_predictions(path: Path) -> str:
    """SHA-256 of what a prediction file says of each image: ids, truth, probabilities."""
    table = pd.read_parquet(path)
    numbers = table.select_dtypes("number").to_numpy(float)
    return hashlib.sha256("\n".join(table["id"]).encode() + numbers.tobytes()).hexdigest()


def record(project: Path) -> dict[str, str]:
    """Name to hash."""
    work, reports = project / "work", project / "reports" / "demo"
    found = {f"prepared/{name}": of_images(work / "prepared" / name) for name in ("train", "valid", "test")}
    found["ckplus"] = of_images(work / "sources" / "ckplus")
    for path in sorted((work / "sources").glob("*/0/images.npy")):
        found[f"synthetic/{path.parents[1].name}"] = of_images(path.parent)
    for path in sorted((work / "gan").glob("*/0/*.safetensors")):
        found[f"gan/{path.parents[1].name}/{path.stem}"] = of_tensors(path)
    for path in sorted((work / "runs").glob("*/*.safetensors")):
        found[f"runs/{path.parent.name}"] = of_tensors(path)
    for path in sorted((reports / "predictions").glob("*.parquet")):
        found[f"predictions/{path.stem}"] = of_predictions(path)
    return found


if __name__ == "__main__":
    print(json.dumps(record(Path(sys.argv[1])), indent=1))
