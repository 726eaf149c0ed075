"""Compose a VAE by hand, train it on the digits of scikit-learn, use it. Takes a few seconds on a CPU."""

import vaekit
from vaekit import ELBO, MLP, VAE, Bernoulli, DiagonalGaussian, Linear, StandardNormal

vae = VAE(
    posterior=DiagonalGaussian(MLP((1, 8, 8), 128), latent=8),  # q(z|x)
    prior=StandardNormal(8),  # p(z)
    likelihood=Bernoulli(MLP(8, 128), event_shape=(1, 8, 8)),  # p(x|z)
)
run = vaekit.train("digits", recipe=vae, objective=ELBO(beta=Linear(epochs=5)), epochs=20, seed=0)
model = vaekit.load(run)

test = run.load_data().test
assert test is not None
x, y = next(test.batches(16))
print("codes", tuple(model.embed(x).shape))
print("mean ELBO of 16 test images, in nats", model.elbo(x, num_samples=50).mean().item())
print("new digits", tuple(model.sample(16).shape))
print("everything about this run is in", run.path)
