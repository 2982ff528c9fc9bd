"""A learning-rate range test (Smith 2017): the loss of a classifier of params.yaml while its rate grows step by step.

    python benchmarks/lr_range.py vgg16 resnet50 --steps 150 --set width=0.5 batch_size=64 --out range

Reads work/prepared/train (`ferlab stage prepare` makes it), writes <out>.csv and <out>.png.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from pydantic import TypeAdapter
from torch.nn import functional as F

from ferlab.classifiers.augment import augment, draw_amounts
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.optimise import set_rate, sgd
from ferlab.classifiers.weights import first_weights
from ferlab.data.images import ImageSet
from ferlab.params import Classifier, NetworkClassifier, load
from ferlab.training.seeding import derive, permutation, random_generator, seeded, set_up

LOW, HIGH = 1e-4, 3.0


def losses(settings: NetworkClassifier, train: ImageSet, steps: int, seed: int = 0) -> pd.DataFrame:
    """Rate and loss of each step; stops where the loss passes four times its start or is no longer finite."""
    with seeded(derive(seed, "weights")):
        model = first_weights(settings, len(train.classes)).to(memory_format=torch.channels_last).train()
    optimizer, rng = sgd(model, settings), random_generator(seed, "augmentation")
    order, rows = permutation(len(train), seed, "order", 0), []
    for step, chosen in enumerate(order.split(settings.batch_size)[:steps]):
        rate = LOW * (HIGH / LOW) ** (step / (steps - 1))
        set_rate(optimizer, rate)
        faces = to_input(torch.from_numpy(train.images[chosen.numpy()]), 48)
        batch = augment(faces, settings.augmentation, draw_amounts(len(faces), rng), settings.input_size)
        loss = F.cross_entropy(model(batch), torch.from_numpy(train.labels[chosen.numpy()]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows.append({"step": step, "lr": rate, "loss": loss.item()})
        if not np.isfinite(rows[-1]["loss"]) or rows[-1]["loss"] > 4 * rows[0]["loss"]:
            break
    return pd.DataFrame(rows)


def plot(found: dict[str, pd.DataFrame], path: Path) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="learning rate", ylabel="training loss (running mean of 9 steps)", xscale="log")
    for (name, rows), style in zip(found.items(), ("-", "--", ":", "-."), strict=False):
        axes.plot(rows["lr"], rows["loss"].rolling(9, center=True, min_periods=1).mean(), style, label=name)
    axes.axhline(np.log(7), color="grey", linewidth=0.8, label="seven equal guesses")
    axes.set_ylim(1.6, 2.6)
    axes.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classifiers", nargs="+")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON")
    parser.add_argument("--out", type=Path, default=Path("lr_range"))
    arguments = parser.parse_args()
    params = load(Path("params.yaml"))
    set_up(params.compute.threads)
    changes = {key: json.loads(value) for key, value in (pair.split("=") for pair in arguments.set)}
    train, found = ImageSet.open(Path("work/prepared/train")), {}
    for name in arguments.classifiers:
        plain = params.classifiers[name].model_dump(mode="json")
        changed = plain | {key: value for key, value in changes.items() if key in plain}
        settings: NetworkClassifier = TypeAdapter(Classifier).validate_json(json.dumps(changed), strict=True)
        found[name] = losses(settings, train, arguments.steps)
        print(f"{name}: lowest running mean at lr", found[name].set_index("lr")["loss"].rolling(9).mean().idxmin())
    table = pd.concat([rows.assign(classifier=name) for name, rows in found.items()])
    table.to_csv(arguments.out.with_suffix(".csv"), index=False)
    plot(found, arguments.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
