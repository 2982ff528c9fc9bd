"""The L2-SVM's objective against its closed form, against scikit-learn's machine, and cross-entropy left as it was."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional as F

from ferlab.classifiers.architectures import build
from ferlab.classifiers.losses import loss_of, squared_hinge
from ferlab.params.classifiers import L2svmResnet, L2svmVgg
from small import NETWORK, VGG, network

SETTINGS = L2svmResnet.model_validate({**NETWORK, "method": "l2svm", "C": 0.5})


def test_the_hinge_by_hand() -> None:
    """True class at margin 0.5: 0.25. Others at -2, 0 and 0.5: 0, 1 and 2.25. A second image has each margin met."""
    margins = torch.tensor([[0.5, -2.0, 0.0, 0.5], [-1.0, 1.0, -3.0, -1.0]])
    assert squared_hinge(margins, torch.tensor([0, 1])).item() == pytest.approx((0.25 + 0 + 1 + 2.25 + 0) / 2)


def test_its_slope_by_hand() -> None:
    """-2 t max(0, 1 - t margin), over the number of images."""
    margins = torch.tensor([[0.5, -2.0, 0.0]], requires_grad=True)
    squared_hinge(margins, torch.tensor([0])).backward()
    assert margins.grad is not None
    torch.testing.assert_close(margins.grad, torch.tensor([[-1.0, 0.0, 2.0]]))


def test_an_epochs_losses_are_the_whole_objective() -> None:
    """1/2 (|w|^2 + b^2) + C x the sum of all hinges, over C x images, is their mean over batches of equal size."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 7))
    rows, labels = torch.randn(12, 5, generator=generator), torch.randint(7, (12,), generator=generator)
    loss = loss_of(model, SETTINGS, len(rows))
    mean = sum(loss(model(rows[i : i + 3]), labels[i : i + 3]).item() for i in range(0, 12, 3)) / 4
    machine = model[1]
    assert isinstance(machine, nn.Linear)
    signs = np.where(np.arange(7) == labels.numpy()[:, None], 1, -1)
    hinges = np.maximum(0, 1 - signs * model(rows).detach().numpy()) ** 2
    size = machine.weight.square().sum().item() + machine.bias.square().sum().item()
    assert mean * SETTINGS.C * 12 == pytest.approx(size / 2 + SETTINGS.C * hinges.sum(), rel=1e-5)


def test_its_minimum_is_scikit_learns() -> None:
    """LinearSVC has the same objective, bias included, one class against the rest."""
    rng = np.random.default_rng(0)
    labels = np.arange(70) % 7
    rows = rng.normal(size=(70, 4)) + np.eye(7)[labels][:, :4]
    known = LinearSVC(C=SETTINGS.C, tol=1e-10, max_iter=100_000).fit(rows, labels)
    model = nn.Linear(4, 7).double()
    loss = loss_of(model, SETTINGS, len(rows))
    inputs, truth = torch.from_numpy(rows), torch.from_numpy(labels)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(model(inputs), truth)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[arg-type]
    np.testing.assert_allclose(model.weight.detach(), known.coef_, atol=1e-4)
    np.testing.assert_allclose(model.bias.detach(), known.intercept_, atol=1e-4)


@pytest.mark.parametrize("settings", [SETTINGS, L2svmVgg.model_validate({**VGG, "method": "l2svm", "C": 0.5})])
def test_it_is_trained_through_every_network(settings: L2svmResnet | L2svmVgg) -> None:
    """The machine is the last layer, and what lies below it learns from its hinges."""
    model = build(settings, 7).train()
    faces = torch.rand(4, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    last = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]
    assert last.out_features == 7
    with torch.no_grad():
        last.weight.normal_(0, 1, generator=torch.Generator().manual_seed(1))
    loss = loss_of(model, settings, 4)(model(faces), torch.arange(4))
    loss.backward()  # type: ignore[no-untyped-call]
    first = next(model.parameters())
    assert first.grad is not None
    assert first.grad.abs().sum() > 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_plain_network_keeps_its_cross_entropy_bit_for_bit(smoothing: float) -> None:
    settings = network(label_smoothing=smoothing)
    logits, labels = torch.randn(9, 7, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 7
    found = loss_of(build(settings, 7), settings, 9)(logits, labels)
    assert torch.equal(found, F.cross_entropy(logits, labels, label_smoothing=smoothing))


def test_there_are_no_labels_to_smooth() -> None:
    with pytest.raises(ValidationError, match="label_smoothing"):
        L2svmResnet.model_validate({**NETWORK, "method": "l2svm", "C": 0.5, "label_smoothing": 0.1})
