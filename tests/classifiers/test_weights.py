"""Pre-trained weights are checked, and never silently replaced by drawn ones."""

import hashlib
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from ferlab.classifiers.architectures import build
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.weights import adopt, first_weights
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.params import NetworkClassifier
from small import network, noise, vgg


def small_file(folder: Path, suffix: str, make: Any = vgg, **changes: Any) -> tuple[NetworkClassifier, nn.Module]:
    """A file of a small network's weights, and the settings that name it."""
    torch.manual_seed(3)
    model = build(make(**changes), 7)
    path = folder / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(model.state_dict(), path)
    else:
        save_file(model.state_dict(), path)
    return make(**changes, weights=str(path), weights_sha256=sha256_file(path)), model


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("make", [network, vgg])
def test_a_file_is_taken_whole(tmp_path: Path, suffix: str, make: Any) -> None:
    settings, model = small_file(tmp_path, suffix, make)
    found = first_weights(settings, 7).state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(found[name], value), name


def test_torchvisions_layout() -> None:
    """Colours summed, 49 positions summed, the last layer for a thousand classes left out."""
    torch.manual_seed(0)
    with torch.device("meta"):
        published = torchvision.models.vgg16(weights=None)
    given = {name: torch.randn(value.shape) * 0.01 for name, value in published.state_dict().items()}
    model = build(vgg(width=1.0), 7)
    drawn = model.classifier[6].weight.clone()
    adopt(model, given, "a test")
    own = model.state_dict()
    torch.testing.assert_close(own["features.0.weight"][:, 0], given["features.0.weight"].sum(1))
    head = given["classifier.0.weight"]
    torch.testing.assert_close(own["classifier.0.weight"][:, 5], head[:, 5 * 49 : 6 * 49].sum(1), rtol=0, atol=1e-6)
    assert torch.equal(own["features.28.weight"], given["features.28.weight"])
    assert torch.equal(own["classifier.6.weight"], drawn)


def test_imagenet_weights_from_torchs_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the place where torch.hub would put it, under a name with its own hash, as torchvision's are."""
    torch.manual_seed(0)
    state = torchvision.models.resnet18(weights=None).state_dict()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    torch.save(state, folder / "made.pth")
    path = folder / f"resnet18-{sha256_file(folder / 'made.pth')[:8]}.pth"
    (folder / "made.pth").rename(path)
    release = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    monkeypatch.setattr(type(release), "url", f"https://example.invalid/{path.name}")
    settings = network(network="resnet18", width=1.0, weights="imagenet")
    found = first_weights(settings, 7)
    assert torch.equal(found.state_dict()["layer4.1.bn2.weight"], state["layer4.1.bn2.weight"])
    faces = to_input(torch.from_numpy(noise(2)), 48)
    assert found(faces).shape == (2, 7)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="is damaged"):
        first_weights(settings, 7)


@pytest.mark.parametrize(("make", "name"), [(network, "resnet50"), (vgg, "vgg16"), (vgg, "vgg16_bn")])
def test_offline_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, name: str) -> None:
    """The address can't be reached (here: by urllib's own word); nothing is drawn instead."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("[Errno -2] Name or service not known")

    monkeypatch.setattr(torch.hub, "urlopen", unreachable)
    changes = {"batch_norm": True} if name.endswith("_bn") else {}
    with pytest.raises(UserError, match=rf"ImageNet weights of {name} are not here.*not known") as caught:
        first_weights(make(network=name.removesuffix("_bn"), width=1.0, weights="imagenet", **changes), 7)
    assert caught.value.where.startswith("https://download.pytorch.org/models/")
    assert str(tmp_path) in str(caught.value.next_step)


def test_a_download_with_another_hash_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's own check of what it downloads is switched on."""
    content = tmp_path / "served"
    content.write_bytes(b"not what was asked for")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    release = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    served = tmp_path / "resnet18-f37072fd.pth"
    content.rename(served)
    monkeypatch.setattr(type(release), "url", served.as_uri())
    with pytest.raises(UserError, match="invalid hash value"):
        first_weights(network(network="resnet18", width=1.0, weights="imagenet"), 7)


@pytest.mark.parametrize(
    "problem", ["absent", "changed", "cut off", "not tensors", "another network", "a part missing"]
)
def test_a_file_that_cannot_be_used(tmp_path: Path, problem: str) -> None:
    settings, model = small_file(tmp_path, ".pth")
    path = Path(settings.weights)
    if problem == "absent":
        path.unlink()
    elif problem == "changed":
        path.write_bytes(path.read_bytes() + b"x")
    elif problem == "cut off":
        path.write_bytes(path.read_bytes()[:200])
    elif problem == "not tensors":
        torch.save({"epoch": 3, "model": model.state_dict()}, path)
    elif problem == "another network":
        torch.save(build(network(), 7).state_dict(), path)
    else:
        torch.save({k: v for k, v in model.state_dict().items() if k != "features.2.bias"}, path)
    if problem not in ("absent", "changed"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        settings = settings.model_copy(update={"weights_sha256": digest})
    with pytest.raises(UserError) as caught:
        first_weights(settings, 7)
    assert path.name in caught.value.where


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "file.pth"},  # a file without its hash
        {"weights_sha256": "0" * 64},  # a hash without a file
        {"weights": "imagenet", "width": 0.5},
        {"weights": "imagenet", "width": 1.0, "stem": "3x3"},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="weights: "):
        network(**changes)


def test_none_draws_from_the_global_generator() -> None:
    torch.manual_seed(5)
    first = first_weights(vgg(), 7).state_dict()
    torch.manual_seed(5)
    second = build(vgg(), 7).state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
