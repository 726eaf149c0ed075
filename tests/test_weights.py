"""A model on disk comes back the same, and nothing else is accepted."""

from __future__ import annotations

import json
import pickle

import pytest
import torch

from vaekit import UserError, load_model, save_model
from vaekit.recipes import NAMES, find_recipe
from vaekit.schema import Column, Schema

IMAGES = Schema(
    kind="image",
    shape=(1, 12, 9),
    low=0.0,
    high=1.0,
    levels=256,
    scale=255.0,
    label_names=("a", "b"),
    name="test",
)


TABLE = Schema(
    kind="table",
    shape=(2,),
    name="test",
    columns=(
        Column("colour", "categorical", categories=("red", "green", "blue")),
        Column("length", "continuous", specials=(0.0,), knots=(0.0, 1.0, 4.0), scores=(-2.0, 0.0, 2.0)),
    ),
)
SOUND = Schema(kind="audio", shape=(1, 8192), low=-1.0, high=1.0, rate=8000, clips="whole", name="test")
SCHEMAS = {"table": TABLE, "speech": SOUND, "audio": SOUND}
"""Of the recipes that are not for images."""


@pytest.fixture
def saved(tmp_path):
    model = find_recipe("vae")(IMAGES, hidden=8, latent=2).model
    model.schema = IMAGES
    save_model(model, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_comes_back_the_same(name, tmp_path):
    torch.manual_seed(1)
    schema = SCHEMAS.get(name, IMAGES)
    model = find_recipe(name)(schema).model
    model.schema = schema
    x = torch.rand(8, *schema.shape).round() if schema is TABLE else torch.rand(8, *schema.shape)
    model(x)  # a codebook starts from the first batch
    save_model(model.eval(), tmp_path)
    again = load_model(tmp_path)
    assert again.schema == schema
    torch.testing.assert_close(again.reconstruct(x), model.reconstruct(x), rtol=0, atol=0)
    torch.manual_seed(2)
    first = model.sample(4)
    torch.manual_seed(2)
    torch.testing.assert_close(again.sample(4), first, rtol=0, atol=0)


def test_equal_models_are_equal_bytes(saved, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    save_model(load_model(saved), other)
    for name in ("model.safetensors", "config.json"):
        assert (saved / name).read_bytes() == (other / name).read_bytes()


def test_truncated_weights(saved):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="truncated or damaged"):
        load_model(saved)


def test_changed_weights(saved):
    path = saved / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="was changed"):
        load_model(saved)


def test_weights_of_another_model(saved, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    model = find_recipe("vae")(IMAGES, hidden=16, latent=2).model
    save_model(model, other)
    (saved / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(UserError, match="has shape"):
        load_model(saved)


def test_config_can_name_nothing_but_parts(saved):
    path = saved / "config.json"
    config = json.loads(path.read_text())
    config["model"]["args"]["prior"] = {"type": "os.system", "args": {"command": "true"}}
    path.write_text(json.dumps(config))
    with pytest.raises(UserError, match="unknown part"):
        load_model(saved)


def test_pickles_are_never_read(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    for suffix in (".pt", ".pkl", ".ckpt"):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(UserError, match="never reads"):
            load_model(path)


def test_missing_folder(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_model(tmp_path / "nowhere")
