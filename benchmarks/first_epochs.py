"""The first epochs of a classifier of params.yaml on work/prepared, one line an epoch: do loss and accuracy move?

python benchmarks/first_epochs.py vgg16 --set width=0.5 batch_size=64 lr=0.03 epochs=2
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from pydantic import TypeAdapter

from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.catalogue import create
from ferlab.data.images import ImageSet
from ferlab.params import Classifier, NetworkClassifier, load
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.seeding import set_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classifier")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON")
    arguments = parser.parse_args()
    params = load(Path("params.yaml"))
    set_up(params.compute.threads)
    changes = {key: json.loads(value) for key, value in (pair.split("=") for pair in arguments.set)}
    plain = params.classifiers[arguments.classifier].model_dump(mode="json") | changes
    settings: NetworkClassifier = TypeAdapter(Classifier).validate_json(json.dumps(plain), strict=True)
    print(settings.model_dump_json(), flush=True)
    train, valid = (ImageSet.open(Path("work/prepared") / split) for split in ("train", "valid"))
    started = time.monotonic()

    def show(_: int, row: object) -> None:
        print(f"{time.monotonic() - started:.0f} s", json.dumps(row), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        create(settings).fit(
            train, valid, TrainingPlan(0, "cpu"), observe=show, checkpoints=Checkpoints(Path(folder), 1e9)
        )


if __name__ == "__main__":
    main()
