"""The spatial transformer: it starts as no change, and its views are the turns and shifts that they name."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ferlab.classifiers.architectures import build
from ferlab.classifiers.transformer import SpatialTransformer, seen
from ferlab.params import TransformerClassifier
from small import NETWORK, noise

SETTINGS = TransformerClassifier.model_validate(
    {**NETWORK, "method": "transformer", "localiser": {"channels": 2, "reach": 0.5}}
)
FACES = torch.from_numpy(noise(3)).unsqueeze(1).float() / 255


def made() -> SpatialTransformer:
    torch.manual_seed(0)
    model = build(SETTINGS, 7).eval()
    assert isinstance(model, SpatialTransformer)
    return model


def test_it_starts_as_the_network_alone() -> None:
    model = made()
    with torch.inference_mode():
        torch.testing.assert_close(model(FACES), model.network(FACES), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ([[1, 0, 0], [0, 1, 0]], lambda faces: faces),
        ([[-1, 0, 0], [0, 1, 0]], lambda faces: faces.flip(3)),
        ([[0, -1, 0], [1, 0, 0]], lambda faces: torch.rot90(faces, 1, (2, 3))),
        (
            [[1, 0, 2 * 5 / 48], [0, 1, 0]],
            lambda faces: torch.cat([faces[..., 5:], faces[..., -1:].expand(-1, -1, -1, 5)], 3),
        ),
    ],
    ids=["as it is", "mirrored", "a quarter turn", "five pixels, the border repeated"],
)
def test_a_view_shows_what_it_names(view: list[list[float]], expected: Callable[[Tensor], Tensor]) -> None:
    views = torch.tensor(view, dtype=torch.float32).expand(3, 2, 3)
    torch.testing.assert_close(seen(FACES, views), expected(FACES), atol=1e-4, rtol=0)


def test_views_stay_within_reach() -> None:
    model = made()
    last = model.localiser[-1]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([1e3, -1e3, 0, 0, 1e3, -1e3]))
        views = model.views(FACES)
    expected = torch.tensor([[1.5, -0.5, 0.0], [0.0, 1.5, -0.5]])
    np.testing.assert_allclose(views.numpy(), expected.expand(3, 2, 3).numpy(), atol=1e-6)


def test_it_learns_to_bring_a_shifted_face_back() -> None:
    """The localiser alone is trained, for the view to be the face that was shifted by up to six pixels."""
    model = made()
    rng = np.random.default_rng(0)
    blob = np.exp(-((np.arange(48)[:, None] - 23.5) ** 2 + (np.arange(48) - 23.5) ** 2) / 60)
    middle = torch.from_numpy(blob).float()[None, None]

    def shifted(n: int) -> Tensor:
        views = torch.eye(2, 3).repeat(n, 1, 1)
        views[:, :, 2] = torch.from_numpy(rng.uniform(-0.25, 0.25, (n, 2))).float()
        return seen(middle.expand(n, -1, -1, -1), views)

    def miss(faces: Tensor) -> Tensor:
        return (seen(faces, model.views(faces)) - middle).square().mean()

    others = shifted(32)
    before = miss(others).item()
    optimizer = torch.optim.Adam(model.localiser.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        miss(shifted(16)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert miss(others).item() < 0.2 * before
