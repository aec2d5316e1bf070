"""``steadypose train``: the refiner from labelled pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from steadypose.configs import recipe_paths
from steadypose.errors import InputError, OutputError
from steadypose.stream.cli.refiner_data import add_data
from steadypose.stream.cli.torch_check import need_torch
from steadypose.stream.complaints import EXIT_DONE, EXIT_INTERRUPTED, complain
from steadypose.stream.interrupt import stop_on_signal

if TYPE_CHECKING:
    from steadypose.engines.refiner.data.records import Picture
    from steadypose.engines.refiner.training.loop import Look, Outcome
    from steadypose.engines.refiner.training.recipe import Recipe


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "train",
        help="train the refiner on labelled pictures",
        description="Train the refiner on the data sets named and write weights, logs and the "
        "state to go on from to DIR. Ctrl-C leaves a state that --resume goes on from.",
    )
    parser.add_argument(
        "--recipe",
        metavar="R",
        help=f"{', '.join(recipe_paths())} or a .yaml file "
        "[default: fast; with --resume the run's own]",
    )
    data = parser.add_argument_group("data sets, at least one")
    add_data(data, estimates_needed=True)
    parser.add_argument(
        "--start",
        metavar="MODEL",
        help="MoveNet to start from, a model of the zoo or a file [default: the variant's], or what"
        " to train on: refiner-fast, refiner-accurate, an exported file, the folder of a run",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    parser.add_argument("--max-minutes", type=_minutes, metavar="M", help="leave off after M")
    parser.add_argument(
        "--fit-minutes",
        type=_minutes,
        metavar="M",
        help="do as many steps as M minutes allow, by the speed of the first, not the recipe's; "
        "calibration comes after that",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no closing lines")
    parser.set_defaults(run=run, parser=parser)


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got '{text}'")
    return value


def run(options: argparse.Namespace) -> int:
    """Train until the run ends; 130 when it was interrupted."""
    need_torch()
    from steadypose.engines.refiner.training import start
    from steadypose.engines.refiner.training.finish import calibrate_best

    if options.resume and options.fit_minutes is not None:
        raise InputError("--fit-minutes: plans a new run; with --resume its plan stands")
    recipe = _recipe(options)
    data = start.load_data(_pictures(options), options.estimates, recipe)
    folder = _folder(options.output, recipe, options.resume)
    show = _Show(recipe, quiet=options.quiet)

    def replanned(planned: Recipe) -> None:
        _write_recipe(folder, planned)
        show.replan(planned)

    trainer = start.make_trainer(
        recipe, data, options.start, folder, show.tell, options.resume, replanned
    )
    show.begin(trainer.step)
    with stop_on_signal(lambda: None) as asked:
        outcome = trainer.run(asked.is_set, options.max_minutes, options.fit_minutes)
    show.end()
    if outcome == "interrupted":
        return complain(
            f"interrupted at step {trainer.step}; go on with --resume -o {folder}",
            EXIT_INTERRUPTED,
        )
    measured = calibrate_best(folder, trainer.recipe, data.validate, trainer.minutes)
    if not options.quiet:
        _closing_lines(outcome, trainer.step, trainer.best, measured, folder)
    return EXIT_DONE


def _recipe(options: argparse.Namespace) -> Recipe:
    from steadypose.engines.refiner.training.recipe import load_recipe

    if options.recipe is None and options.resume:
        return load_recipe(str(options.output / "recipe.yaml"))
    return load_recipe(options.recipe or "fast")


def _pictures(options: argparse.Namespace) -> list[Picture]:
    """The pictures named, with the base estimators' results on them in their file."""
    from steadypose.engines.refiner.data.estimates import estimates_of
    from steadypose.engines.refiner.data.gather import gather

    pictures = gather(options)
    estimates_of(pictures, options.estimates)
    return pictures


def _folder(folder: Path, recipe: Recipe, resume: bool) -> Path:
    """The run's folder, with its recipe in it."""
    from steadypose.engines.refiner.training.checkpoint import STATE_FILE

    there = (folder / STATE_FILE).exists()
    if resume:
        return folder  # whether there is a state to go on from is seen when it is read
    if there:
        raise InputError(f"{folder}: holds a run; give --resume to go on with it, or another -o")
    _write_recipe(folder, recipe)
    return folder


def _write_recipe(folder: Path, recipe: Recipe) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "recipe.yaml.part"
        part.write_text(recipe.to_yaml(), encoding="utf-8")
        part.replace(folder / "recipe.yaml")
    except OSError as error:
        raise OutputError(f"{folder}: cannot write here: {error.strerror}") from error


class _Show:
    """The progress bar on a terminal; elsewhere one line a look at the validation split."""

    def __init__(self, recipe: Recipe, *, quiet: bool) -> None:
        self._recipe, self._quiet = recipe, quiet
        self._bar: tqdm[Any] | None = None

    def begin(self, step: int) -> None:
        if not self._quiet and sys.stderr.isatty():
            self._bar = tqdm(
                desc=self._recipe.name,
                total=self._recipe.steps,
                initial=step,
                unit=" steps",
                dynamic_ncols=True,
            )

    def replan(self, recipe: Recipe) -> None:
        """Show the steps that were planned by the speed of the first ones."""
        if self._bar is not None:
            self._bar.total = recipe.steps
            self._bar.refresh()
        elif not self._quiet:
            print(f"{recipe.steps} steps planned", flush=True)

    def tell(self, look: Look) -> None:
        line = "" if look.figures is None else _line(look.step, look.figures)
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {look.loss:.3f}", refresh=False)
            self._bar.update()
            if line:
                self._bar.write(line)
        elif line and not self._quiet:
            print(line, flush=True)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _line(step: int, figures: dict[str, float]) -> str:
    return (
        f"step {step}: OKS {figures['oks_in']:.3f} -> {figures['oks']:.3f}, "
        f"PCKh {figures['pck_in']:.3f} -> {figures['pck']:.3f}, "
        f"harm {figures['harm']:.3f}, mended {figures['mended']:.3f}"
    )


def _closing_lines(
    outcome: Outcome,
    step: int,
    best: dict[str, float],
    measured: dict[str, float],
    folder: Path,
) -> None:
    print(f"{outcome} at step {step}; best weights of {_line(int(best['step']), best)}")
    print(f"calibration error {measured['ece_before']:.3f} -> {measured['ece_after']:.3f}")
    print(f"now run: steadypose export {folder} -o refiner.onnx")
