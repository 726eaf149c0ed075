"""Component: every part states itself as JSON and is built again from it; what is unknown is refused."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
import torch

import vaekit
from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    Component,
    DiagonalGaussian,
    Gaussian,
    GaussianPrior,
    Linear,
    Net,
    StandardNormal,
    UserError,
)
from vaekit.component import from_config, registry, to_config

for room in pkgutil.walk_packages(vaekit.__path__, "vaekit."):
    if room.name.split(".")[1] in (
        "nets",
        "posteriors",
        "priors",
        "likelihoods",
        "objectives",
        "model",
        "hierarchical",
        "ladder",
        "semi_supervised",
    ):
        importlib.import_module(room.name)


def is_contract(part: type) -> bool:
    return any(getattr(getattr(part, name, None), "__isabstractmethod__", False) for name in dir(part))


PARTS = sorted(n for n, c in registry.items() if c.__module__.startswith("vaekit.") and not is_contract(c))

COLUMNS = [
    {"size": 3, "missing": 0.0},
    {"specials": [0.0], "knots": [0.0, 1.0], "scores": [-1.0, 1.0], "step": 0.0, "origin": 0.0, "missing": 0.1},
]
# What a constructor's required argument gets, by its name. A new part whose arguments are all here needs no row below.
ARGUMENTS: dict[str, Callable[[], Any]] = {
    "net": lambda: MLP(4, 6),
    "in_shape": lambda: (1, 8, 8),
    "size": lambda: (8, 8),
    "hidden": lambda: [7, 6],
    "latent": lambda: 3,
    "event_shape": lambda: (1, 8, 8),
    "epochs": lambda: 5,
    "period": lambda: 5,
    "discriminator": lambda: MLP(3, 6),
    "objective": lambda: ELBO(),
    "unlikeness": lambda: registry["MSSSIM"](),
    "num_codes": lambda: 4,
    "dim": lambda: 3,
    "codebook": lambda: registry["Codebook"](4, 3),
    "grid": lambda: (2, 2),
    "columns": lambda: COLUMNS,
    "posterior": lambda: DiagonalGaussian(MLP(8, 6), 3),
    "prior": lambda: StandardNormal(3),
    "likelihood": lambda: Bernoulli(MLP(3, 6), 8),
    "posteriors": lambda: [DiagonalGaussian(MLP(8, 6), 2), DiagonalGaussian(MLP(8, 6, condition=2), 3)],
    "priors": lambda: [StandardNormal(2), GaussianPrior(MLP(2, 6), 3)],
}
# Parts that the arguments above do not fit.
EXAMPLES: dict[str, Callable[[], Component]] = {
    "Linear": lambda: registry["Linear"](steps=5),
    "SemiSupervisedVAE": lambda: registry["SemiSupervisedVAE"](
        MLP(8, 6),
        DiagonalGaussian(MLP(8, 6, condition=2), 3),
        StandardNormal(3),
        Bernoulli(MLP(3, 6, condition=2), 8),
    ),
    "Capacity": lambda: registry["Capacity"](Linear(epochs=3)),
    "ConvDecoder": lambda: registry["ConvDecoder"](3, (8, 8), condition=2),
    "ResNetDecoder": lambda: registry["ResNetDecoder"](3, (8, 8), condition=2),
    "LadderEncoder": lambda: registry["LadderEncoder"]((1, 8, 8), 8, (1, 1)),
    "LadderBlock": lambda: registry["LadderBlock"](8, 2, (4, 4), scale=0.5),
    "LadderVAE": lambda: registry["LadderVAE"](
        registry["LadderEncoder"]((1, 8, 8), 8, (1, 1)),
        Bernoulli(registry["ResNetDecoder"]((8, 4, 4), (8, 8), (8,), half=True), (1, 8, 8)),
        num_layers=(1, 2),
        latent=2,
    ),
    "LogMel": lambda: registry["LogMel"]((1, 512), 8000),
    "LogSpectral": lambda: registry["LogSpectral"](MLP(3, 6), registry["LogMel"]((1, 512), 8000, num_bands=8)),
    "Chained": lambda: registry["Chained"](registry["LogMel"]((1, 512), 8000, num_bands=8), MLP((1, 8, 8), 6)),
    "ScalarCodebook": lambda: registry["ScalarCodebook"]((5, 4, 3)),
}


def example(name: str) -> Component:
    if name in EXAMPLES:
        return EXAMPLES[name]()
    parameters = list(inspect.signature(registry[name].__init__).parameters.values())[1:]
    required = [
        p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    unknown = [argument for argument in required if argument not in ARGUMENTS]
    assert not unknown, f"Add a row for {name} to EXAMPLES, or for {unknown} to ARGUMENTS, in {__file__}."
    return registry[name](**{argument: ARGUMENTS[argument]() for argument in required})


def shapes(part: Component) -> dict[str, tuple[int, ...]]:
    return {k: tuple(v.shape) for k, v in part.state_dict().items()}


@pytest.mark.parametrize("name", PARTS)
def test_every_part_survives_its_config(name: str) -> None:
    part = example(name)
    config = json.loads(json.dumps(to_config(part)))
    again = from_config(config)
    assert type(again) is type(part)
    assert to_config(again) == config
    assert shapes(again) == shapes(part)
    # The defaults are written out, so that a later change of a default does not change a saved model.
    assert set(config["args"]) == set(part.arguments) == set(inspect.signature(type(part)).parameters)


def test_a_model_built_again_with_its_weights_is_the_same_model() -> None:
    vae = VAE(
        DiagonalGaussian(MLP(8, [9, 7], activation="tanh"), 3),
        StandardNormal(3),
        Gaussian(MLP(3, ()), 8, scale=0.2),
    )
    again = from_config(json.loads(json.dumps(to_config(vae))))
    again.load_state_dict(vae.state_dict())
    x = torch.randn(5, 8)
    values = []
    for model in (vae, again):
        torch.manual_seed(0)
        values.append(model.elbo(x))
    assert torch.equal(*values)


def test_a_part_used_twice_stays_one_part() -> None:
    trunk = MLP(8, 6)
    vae = VAE(DiagonalGaussian(trunk, 8), StandardNormal(8), Bernoulli(trunk, 8))
    config = to_config(vae)
    assert config["args"]["likelihood"]["args"]["net"] == {"same": "posterior.net"}
    again = from_config(json.loads(json.dumps(config)))
    assert again.posterior.net is again.likelihood.net
    assert len(list(again.parameters())) == len(list(vae.parameters()))
    # Two parts that are merely equal stay two.
    twins = from_config(
        to_config(VAE(DiagonalGaussian(MLP(8, 6), 8), StandardNormal(8), Bernoulli(MLP(8, 6), 8)))
    )
    assert twins.posterior.net is not twins.likelihood.net


def test_parts_inside_an_objective_are_stated() -> None:
    objective = from_config(to_config(ELBO(beta=Linear(epochs=3), free_bits=0.1)))
    objective.epoch.fill_(1.5)
    assert float(objective.beta(objective.epoch)) == 0.5
    assert objective.free_bits == 0.1


def test_repr_states_the_constructor_call() -> None:
    assert repr(MLP(4, 8)) == "MLP(in_shape=4, hidden=8, activation='relu', condition=0)"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"type": "StandardNorml", "args": {"latent": 2}},
            "unknown part 'StandardNorml'. Did you mean \"StandardNormal\"",
        ),
        ({"type": "os.system", "args": {"command": "true"}}, "unknown part"),
        ({"type": ["MLP"], "args": {}}, "unknown part"),
        ({"type": "StandardNormal", "args": [2]}, "unknown part"),
        ({"type": "StandardNormal", "args": {"latents": 2}}, 'latents.*Did you mean "latent"'),
        ({"type": "StandardNormal", "args": {}}, "StandardNormal.*latent"),
        ({"type": "StandardNormal", "args": {"latent": {"same": "nowhere"}}}, "latent refers to 'nowhere'"),
        ({"type": "StandardNormal", "args": {"latent": 0}}, "at least 1; 0 came"),
        ({"args": {}}, "expected"),
        ([], "expected"),
    ],
)
def test_a_wrong_config_is_refused_in_a_sentence(config: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_config(config)


def test_a_wrong_argument_in_python_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match=r'MLP.*hiden.*Did you mean "hidden"'):
        MLP(4, hiden=8)  # type: ignore[call-arg]
    with pytest.raises(UserError, match='Did you mean "tanh"'):
        MLP(4, 8, activation="tanhh")


def test_an_argument_that_json_cannot_hold_is_named() -> None:
    with pytest.raises(UserError, match=r"likelihood\.event_shape is a Tensor"):
        to_config(
            VAE(DiagonalGaussian(MLP(8, 6), 3), StandardNormal(3), Bernoulli(MLP(3, 6), torch.tensor([8])))
        )


@pytest.fixture
def users_parts() -> Any:
    """The registry as it was, after a test has added its own parts."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


@pytest.mark.usefixtures("users_parts")
def test_a_users_part_is_a_part_like_any_other() -> None:
    class Doubling(MLP):
        def __init__(self, in_shape: int, *, factor: float = 2.0) -> None:
            super().__init__(in_shape, 2 * in_shape)
            self.factor = factor

    config = to_config(DiagonalGaussian(Doubling(4), 3))
    # The outermost constructor is the one recorded, not its base's.
    assert config["args"]["net"] == {"type": "Doubling", "args": {"in_shape": 4, "factor": 2.0}}
    assert isinstance(from_config(config).net, Doubling)


@pytest.mark.usefixtures("users_parts")
def test_a_users_part_cannot_take_the_name_of_vaekits() -> None:
    with pytest.raises(UserError, match='"MLP" is the name'):
        type("MLP", (Net,), {})
