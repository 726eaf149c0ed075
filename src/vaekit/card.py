"""The model card: what a run folder's README.md says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.model import Model
    from vaekit.run import Run

PICTURES = {
    "reconstructions.png": "Held-out examples and their reconstructions.",
    "samples.png": "New examples, decoded from draws of the prior.",
    "latent.png": "Where held-out examples lie in latent space.",
    "latent_grid.png": "What each place of the latent plane decodes to.",
    "traversals.png": "One latent dimension changed at a time.",
    "interpolations.png": "From one example to another in a straight line through latent space.",
    "kl.png": "How much each latent dimension carries.",
    "curves.png": "Every term of the loss over the epochs.",
    "marginals.png": "Every column in held-out rows and in new ones.",
    "dependence.png": "How every two columns depend on each other, in held-out rows and in new ones.",
    "data.png": "The data as the model sees it.",
}


def model_card(run: Run, model: Model, data: Dataset, results: dict[str, Any]) -> str:
    """Markdown: what was trained on what, the figures with their protocol, the pictures, how to use and repeat it."""
    config = run.config
    recipe = config.get("recipe", {}).get("name", "composed by hand")
    schema = data.schema
    parts = ", ".join(f"{size:,} {name}" for name, size in data.sizes.items())
    lines = [
        f"# {run.name}",
        "",
        f"A {type(model).__name__} ({recipe}) of {schema.name}: {model.num_parameters:,} weights, "
        f"latent shape {tuple(model.latent_shape)}.",
        "",
        f"Data: {schema.kind} of shape {schema.shape}; {parts}. {data.streamed}".rstrip(),
        "",
        *[f"- {note}" for note in data.notes],
        "",
        *_figures(results),
        "",
        "## Pictures",
        "",
    ]
    for name, caption in PICTURES.items():
        if (run.path / "plots" / name).exists():
            lines += [f"![{caption}](plots/{name})", "", caption, ""]
    lines += [
        "## Use",
        "",
        "```",
        f"vaekit sample {run.path} -o samples.png",
        f"vaekit embed {run.path} -o codes.csv",
        f"vaekit train --config {run.path}/config.toml   # train it again",
        "```",
        "",
        "```python",
        "import vaekit",
        f'model = vaekit.load("{run.path.as_posix()}")',
        "x = model.sample(16)",
        "```",
        "",
    ]
    return "\n".join(lines)


def _figures(results: dict[str, Any]) -> list[str]:
    """The results as a table, a standard error beside each estimate."""
    rows = []
    for name, value in results.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or name.endswith("_se"):
            continue
        error = results.get(f"{name}_se")
        shown = f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
        rows.append(f"| {name} | {shown}{f' ± {error:.2g}' if isinstance(error, float) else ''} |")
    note = [f"Note: {results['note']}", ""] if results.get("note") else []
    return [
        f"## Figures on the {results.get('part', 'test')} part ({results.get('unit', 'nats per example')})",
        "",
        *note,
        "| figure | value |",
        "| --- | --- |",
        *rows,
    ]
