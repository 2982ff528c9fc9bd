"""Which key of params.yaml somebody may have meant: by the name that it has elsewhere, or by a slip of the fingers."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ELSEWHERE = {
    "lr": "learning_rate base_lr init_lr initial_lr peak_lr max_lr eta",
    "batch_size": "batch bs minibatch mini_batch_size train_batch_size",
    "epochs": "epoch n_epochs num_epochs nb_epochs max_epochs n_iter iterations",
    "weight_decay": "wd decay l2 l2_reg weight_regularization",
    "label_smoothing": "smoothing smooth",
    "targets": "target soft_labels soft_targets label_distribution",
    "schedule": "scheduler lr_scheduler lr_schedule lr_policy",
    "network": "model arch architecture backbone net",
    "method": "type algorithm",
    "weights": "pretrained pre_trained init_weights",
    "input_size": "image_size img_size resolution size",
    "augmentation": "augment aug transforms data_augmentation",
    "rotation": "degrees rotate rotation_range",
    "translation": "translate shift width_shift_range",
    "flip": "hflip horizontal_flip random_flip mirror",
    "dropout": "drop drop_rate dropout_rate dropout_prob",
    "batch_norm": "bn batchnorm use_bn",
    "amp": "mixed_precision fp16 bf16 half autocast",
    "compile": "torch_compile jit",
    "threads": "num_threads n_threads n_jobs workers num_workers cores cpus",
    "device": "gpu cuda accelerator use_gpu",
    "seeds": "random_state random_seed n_seeds",
    "seed": "random_state random_seed rng",
    "trials": "n_trials num_trials max_trials",
    "latent": "latent_dim z_dim nz noise_dim",
    "base_channels": "ngf ndf filters base_filters channels",
    "critic_steps": "n_critic critic_iters d_steps n_dis",
    "penalty": "gp lambda_gp gp_lambda gradient_penalty lambda",
    "beta1": "beta_1 b1 adam_beta1 betas",
    "beta2": "beta_2 b2 adam_beta2 betas",
    "per_class": "n_per_class samples_per_class n_samples num_samples",
    "max_iterations": "max_iter",
    "tolerance": "tol eps",
    "components": "n_components pca",
    "C": "c cost reg",
    "kernel_limit": "max_samples",
    "families": "gans gan_families",
}
"""A key's last name -> what libraries and papers call it too."""
SLIP = 0.7  # of difflib's ratio, at least
SHORT, SLIP_OF_SHORT = 3, 0.66  # letters; one of them may be wrong


def names(tree: Any, path: str = "") -> Iterator[str]:
    """The dotted keys of a tree of mappings, of those that hold others too."""
    for key, value in tree.items() if isinstance(tree, Mapping) else ():
        yield f"{path}{key}"
        yield from names(value, f"{path}{key}.")


def near(key: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Those of the known dotted keys that a mistaken one may have meant: the likeliest first, each last name once.

    A key beside the mistaken one is likelier than one of the same name elsewhere.
    """
    parent, _, last = key.rpartition(".")
    by_name = dict[str, list[str]]()
    for one in known:
        by_name.setdefault(one.rpartition(".")[2], []).append(one)
    word = _plain(last)
    renamed = [name for name, others in ELSEWHERE.items() if word in map(_plain, (name, *others.split()))]
    begun = [name for name in by_name if len(name) > 1 < len(last) and (name.startswith(last) or last.startswith(name))]
    slips = difflib.get_close_matches(last, by_name, n=most, cutoff=SLIP if len(last) > SHORT else SLIP_OF_SHORT)
    found = [name for name in dict.fromkeys((*renamed, *begun, *slips)) if name in by_name]
    best = [min(by_name[name], key=lambda one: _apart(parent, one)) for name in found]
    return sorted(best, key=lambda one: one.rpartition(".")[0] != parent)[:most]


def did_you_mean(key: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or nothing where no key is near."""
    found = near(key, known)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _plain(name: str) -> str:
    return re.sub("[-_ ]", "", name).lower()


def _apart(parent: str, key: str) -> tuple[int, int]:
    """How unlike the parents of two keys are: by the pieces that they share, then by their depth."""
    mine, theirs = parent.split("."), key.split(".")[:-1]
    return -sum(a == b for a, b in zip(mine, theirs, strict=False)), abs(len(mine) - len(theirs))
