"""main: reads a command line, runs its verb, and turns what goes wrong into one sentence and an exit code."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vaekit import __version__
from vaekit.errors import UserError, did_you_mean, is_out_of_memory

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

VERBS = (
    *("train", "sample", "reconstruct", "embed", "traverse", "interpolate", "evaluate", "compare"),
    *("impute", "detect", "fit-prior", "explore", "export", "show", "runs", "check", "info"),
)
"""Every verb; a new one is a file here with a function of the same name (`_` for `-`), and a word in this list."""

HELP = """Variational Autoencoders by composition: train on images, sound and tables; sample, embed, measure, compare.

Start with: vaekit train digits"""
WRONG_USE, BROKEN, PIPE_CLOSED = 2, 1, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default the process's own.

    Returns:
        The exit code: 0; 1 for a fault of vaekit's; 2 for the user's mistakes; 130 and 143 when interrupted.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    before = _leave_on_sigterm()
    try:
        code = _run(tokens)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has left; what is still buffered must not complain at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except BaseException as error:
        if os.environ.get("VAEKIT_DEBUG") and not isinstance(error, SystemExit):
            raise
        return _report(error, as_json="--json" in tokens)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _run(tokens: list[str]) -> int:
    from cyclopts import CycloptsError

    from vaekit.cli.answer import Answer, speaks

    app = build(tokens)
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise UserError(sentence_of(error, app, tokens)) from None
    answer = command(*bound.args, **bound.kwargs)
    if isinstance(answer, Answer) and speaks():
        answer.show(as_json="--json" in tokens)
    return 0


def build(tokens: Sequence[str] = ()) -> App:
    """The command line, with the one verb that `tokens` name, or with all of them."""
    from cyclopts import App

    app = App(
        name="vaekit", help=HELP, version=__version__, help_format="plaintext", version_flags=["--version"],
        result_action="return_value",
    )  # fmt: skip
    named = [tokens[0]] if tokens and tokens[0] in VERBS else VERBS
    for place, name in enumerate(named):
        module = importlib.import_module(f"vaekit.cli.{name.replace('-', '_')}")
        # A verb whose options depend on what is asked for makes its command from the tokens.
        function = module.command(tokens) if hasattr(module, "command") else getattr(module, name.replace("-", "_"))
        about = inspect.cleandoc(function.__doc__).split("\nArgs:")[0].strip()
        app.command(function, name=name, help=f"{about}\n\nExample: {module.EXAMPLE}", sort_key=place)
    return app


def sentence_of(error: CycloptsError, app: App, tokens: Sequence[str]) -> str:
    """What cyclopts found wrong, as one sentence with a suggestion."""
    if tokens and tokens[0].startswith("-"):
        return f"A verb comes first, not {tokens[0]}; `vaekit --help` lists them."
    if tokens and tokens[0] not in VERBS:
        return f'There is no verb "{tokens[0]}". {did_you_mean(tokens[0], VERBS)}'
    kind = type(error).__name__
    text = re.sub(r'"(--?[\w-]+|[A-Z]+)"', r"\1", " ".join(str(error).split()))  # older versions quote names
    verb = tokens[0] if tokens else ""
    if kind == "UnknownOptionError" and (found := re.search(r"--?[\w-]+", text)):
        return f"{verb} has no option {found[0]}. {_hint(found[0], app, verb)}"
    if kind == "UnusedCliTokensError" and (found := re.search(r"'([^']*)'", text)):
        return f'{verb} takes no further argument; "{found[1]}" came. `vaekit {verb} --help` shows its use.'
    if kind == "MissingArgumentError":
        text = re.sub(r'^Command "[^"]*" parameter ', "", text)
        text = re.sub(r"^(-{0,2})([\w-]+) requires an argument", _missing, text)
        return f"{text.rstrip('.')}. `vaekit {verb} --help` shows an example."
    return text


def _missing(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]} needs a value" if found[1] else f"{found[2]} is missing"


def _hint(name: str, app: App, verb: str) -> str:
    """What may have been meant by an unknown option; the whole list would hide the point."""
    from vaekit.options import parameters_of
    from vaekit.recipes import NAMES, find_recipe

    hint = did_you_mean(name, _options(app, verb)).replace('"', "")
    if hint.startswith("Did"):
        return hint
    own = name.lstrip("-").replace("-", "_")
    owners = [recipe for recipe in NAMES if own in parameters_of(find_recipe(recipe))] if verb == "train" else []
    if owners:
        return f"It belongs to recipe {', '.join(owners)}."
    return f"`vaekit {verb} --help` lists its options."


def _options(app: App, verb: str) -> list[str]:
    """Names of a verb's options."""
    with suppress(Exception):
        return [n for a in app[verb].assemble_argument_collection() for n in a.names if n.startswith("--")]
    return []


class Terminated(BaseException):
    """SIGTERM came."""


def _leave_on_sigterm() -> Any:
    """Make SIGTERM unwind like Ctrl-C, so that no half-written file stays; returns what it did before."""
    if threading.current_thread() is not threading.main_thread():
        return None

    def leave(number: int, frame: Any) -> None:
        raise Terminated

    return signal.signal(signal.SIGTERM, leave)


def _report(error: BaseException, *, as_json: bool) -> int:
    """Say what went wrong on standard error, with --json on standard output too; returns the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if (number := signal_of(error)) is not None:
        return 128 + number
    if not isinstance(error, Exception):
        raise error
    text, code = sentence_and_code(error)
    if is_said_elsewhere(error):
        return code
    print(f"vaekit: {text}", file=sys.stderr)
    if as_json:
        from vaekit.cli.answer import Answer

        Answer({"error": text}).show(as_json=True)
    return code


def is_said_elsewhere(error: BaseException) -> bool:
    """Whether another process of torchrun says this: one that has it of its own, or the first one of this machine."""
    if os.environ.get("RANK", "0") == "0":
        return False
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_initialized():
        return type(error).__name__ == "EchoedError"
    return os.environ.get("LOCAL_RANK", "0") != "0"


def signal_of(error: BaseException) -> int | None:
    """The signal that interrupted, None where none did."""
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    if isinstance(error, Terminated):
        return signal.SIGTERM
    # By name: importing the training's exception would be the first import of a verb that never trains.
    if type(error).__name__ == "Interrupted":
        return getattr(error, "number", signal.SIGINT)
    return None


def sentence_and_code(error: Exception) -> tuple[str, int]:
    """One line for an exception, and whether it is the user's to mend (2) or vaekit's (1)."""
    text = " ".join(str(error).split())
    if isinstance(error, UserError):
        return text, WRONG_USE
    if is_out_of_memory(error):
        return "The memory ran out; choose a smaller --batch-size, a smaller model, or --device cpu.", WRONG_USE
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}; free space, or choose another place.", WRONG_USE
    fault = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"Something in vaekit broke ({fault}); set VAEKIT_DEBUG=1 and run again to see where.", BROKEN
