"""Losses of GANs against their closed forms."""

from math import log

import pytest
import torch
from torch.nn import BCEWithLogitsLoss

from ferlab.gan.objectives import (
    gradient_norms,
    gradient_penalty,
    minimax_discriminator_loss,
    non_saturating_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)

REAL = torch.linspace(-6, 6, 25, dtype=torch.float64)
FAKE = torch.linspace(8, -3, 25, dtype=torch.float64)


def test_a_discriminator_that_knows_nothing() -> None:
    """Goodfellow et al. 2014: D = 1/2 everywhere gives 2 ln 2 and ln 2."""
    zeros = torch.zeros(5, dtype=torch.float64)
    assert minimax_discriminator_loss(zeros, zeros).item() == pytest.approx(2 * log(2), abs=1e-15)
    assert non_saturating_generator_loss(zeros).item() == pytest.approx(log(2), abs=1e-15)


def test_against_torchs_binary_cross_entropy() -> None:
    loss = BCEWithLogitsLoss()
    expected = loss(REAL, torch.ones_like(REAL)) + loss(FAKE, torch.zeros_like(FAKE))
    torch.testing.assert_close(minimax_discriminator_loss(REAL, FAKE), expected, rtol=1e-14, atol=0)
    expected = loss(FAKE, torch.ones_like(FAKE))
    torch.testing.assert_close(non_saturating_generator_loss(FAKE), expected, rtol=1e-14, atol=0)


def test_against_the_definition() -> None:
    d_real, d_fake = REAL.sigmoid(), FAKE.sigmoid()
    expected = -d_real.log().mean() - (1 - d_fake).log().mean()
    torch.testing.assert_close(minimax_discriminator_loss(REAL, FAKE), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(non_saturating_generator_loss(FAKE), -d_fake.log().mean(), rtol=1e-12, atol=0)


def test_sizes_of_the_two_halves_may_differ() -> None:
    assert minimax_discriminator_loss(REAL, FAKE[:3]).item() == pytest.approx(
        minimax_discriminator_loss(REAL, FAKE[:3].repeat(4)).item()
    )


def test_gradients() -> None:
    """d/dx of -log sigmoid(x) is sigmoid(x) - 1; where the discriminator is sure the generator still learns."""
    logits = torch.tensor([-30.0, 0.0, 30.0], requires_grad=True)
    non_saturating_generator_loss(logits).backward()
    torch.testing.assert_close(logits.grad, torch.tensor([-1.0, -0.5, 0.0]) / 3)
    real, fake = (torch.zeros(2, requires_grad=True) for _ in range(2))
    minimax_discriminator_loss(real, fake).backward()
    torch.testing.assert_close(real.grad, torch.full((2,), -0.25))
    torch.testing.assert_close(fake.grad, torch.full((2,), 0.25))


def test_finite_for_large_logits() -> None:
    large = torch.tensor([1e6, -1e6])
    assert minimax_discriminator_loss(large, large).isfinite()
    assert non_saturating_generator_loss(large).item() == pytest.approx(5e5)


def test_wasserstein_losses() -> None:
    """Differences of means; the discriminator of two point masses at distance 3 with slope 1 finds 3."""
    assert wasserstein_discriminator_loss(REAL, FAKE).item() == pytest.approx(FAKE.mean().item() - REAL.mean().item())
    assert wasserstein_generator_loss(FAKE).item() == pytest.approx(-FAKE.mean().item())
    assert -wasserstein_discriminator_loss(torch.full((4,), 5.0), torch.full((2,), 2.0)).item() == 3


@pytest.mark.parametrize("norm", [0.0, 0.5, 1.0, 3.0])
def test_the_penalty_of_a_linear_discriminator(norm: float) -> None:
    """(|w| - 1)², wherever the points lie."""
    w = torch.randn(1, 48 * 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w *= norm / w.norm()
    real, fake, alpha = torch.rand(5, 1, 48, 48), torch.rand(5, 1, 48, 48), torch.rand(5, 1, 1, 1)
    norms = gradient_norms(lambda x: (x.flatten(1).double() @ w.T).flatten(), real, fake, alpha)
    torch.testing.assert_close(norms, torch.full((5,), norm, dtype=norms.dtype), rtol=1e-6, atol=1e-7)
    assert gradient_penalty(norms).item() == pytest.approx((norm - 1) ** 2, rel=1e-5, abs=1e-9)


def test_where_the_gradient_is_taken() -> None:
    """The gradient of |x|²/2 is x: its norm shows the point, a part of the real and the rest of the fake image."""
    real, fake = torch.rand(3, 1, 48, 48), torch.rand(3, 1, 48, 48)
    alpha = torch.tensor([0.0, 0.25, 1.0]).reshape(3, 1, 1, 1)
    norms = gradient_norms(lambda x: x.square().sum(dim=(1, 2, 3)) / 2, real, fake, alpha)
    torch.testing.assert_close(norms, (alpha * real + (1 - alpha) * fake).flatten(1).norm(dim=1))


def test_the_penalty_teaches_the_discriminator() -> None:
    """d/dw of (|w| - 1)² is 2 (|w| - 1) w / |w|."""
    w = torch.randn(48 * 48, dtype=torch.float64, requires_grad=True)
    images = torch.rand(2, 1, 48, 48, dtype=torch.float64)
    alpha = torch.rand(2, 1, 1, 1, dtype=torch.float64)
    gradient_penalty(gradient_norms(lambda x: x.flatten(1) @ w, images, images.flip(0), alpha)).backward()
    with torch.no_grad():
        torch.testing.assert_close(w.grad, 2 * (w.norm() - 1) * w / w.norm())
