"""Commands in the documents are ones that the command line takes; cheap ones are run."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from steadypose.stream.cli.main import build_parser, main
from tests.docs.documents import ROOT, all_blocks, documents, inline_code

STANDS_FOR = {
    "VIDEO": "clip.mp4",
    "CLIP": "clip.mp4",
    "SOURCE": "clip.mp4",
    "PRED": "pred",
    "GT": "gt",
    "DIR": "gt",
}
"""Files of the examples' folder by what the documents call them."""

RUN = ("track", "report", "doctor", "models list", "engine list", "convert", "evaluate")
PARSED = {
    "batch": "starts processes of its own",
    "bench": "measures for minutes",
    "engine build": "needs TensorRT",
    "export": "needs a training run",
    "models fetch": "needs the network",
    "posetrack": "needs a tree of PoseTrack",
    "serve": "runs until it is stopped",
    "train": "trains for hours",
}
"""Commands that are parsed and not run, and why."""
NEEDS_MORE = re.compile(r"--device|--show|--mqtt|mine\.onnx|\w://|track 0\b|\.yaml")
"""A camera, a GPU, a screen, a broker, or a file that the reader is to make."""


def commands(document: str) -> Iterator[str]:
    """Every command of a document's blocks, without comments, on one line."""
    for block in all_blocks("sh"):
        if block.document == document and not block.excuse:
            text = block.text.replace("\\\n", " ")
            for line in text.splitlines():
                bare = re.sub(r"(^|\s+)#.*$", "", line).strip()
                yield from (part for part in bare.split(" && ") if part)


def words_of(command: str) -> list[str]:
    """The words to parse: examples for placeholders, what is optional as if it were asked for."""
    text = command.replace("...", "").replace("[", "").replace("]", "")
    return [STANDS_FOR.get(word, word) for word in shlex.split(text.partition(" > ")[0])]


PAGES = [document for document in documents() if list(commands(document))]
ALL = [(document, command) for document in PAGES for command in commands(document)]


@pytest.mark.parametrize(("document", "command"), ALL, ids=lambda value: str(value)[:60])
def test_a_command_is_one(document: str, command: str) -> None:
    program = command.split()[0]
    if program == "steadypose":
        assert build_parser().parse_args(words_of(command)[1:]).run
    elif program == "make":
        target = command.split()[1]
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "pip":
        check_pip(shlex.split(command))
    elif program == "python" and command.split()[1] == "-m":
        assert importlib.util.find_spec(command.split()[2])
    else:
        known = ("head -c 24 /dev/urandom", "chmod 600 token")
        assert command.startswith(known) or (ROOT / program).is_file(), "what would check this?"


def check_pip(words: list[str]) -> None:
    assert words[1] in ("install", "uninstall")
    text = (ROOT / "pyproject.toml").read_text()
    for wanted in (word for word in words[2:] if word != "-y"):
        extra = re.fullmatch(r"(?:\.|steadypose)\[(\w+)\]", wanted)
        if extra:
            assert re.search(rf"^{extra[1]} = \[", text, re.MULTILINE)
        else:
            known = f'"{wanted.removesuffix("-headless")}>='
            assert wanted == "." or known in text


@pytest.mark.parametrize("document", PAGES)
def test_a_page_of_commands_runs(
    workplace: Path, document: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in commands(document):
        if not command.startswith("steadypose ") or NEEDS_MORE.search(command):
            continue
        words = words_of(command)[1:]
        if any(" ".join(words[:2]).startswith(name) for name in RUN):
            code = main(words)
            out, err = capsys.readouterr()
            missing_models = words[0] == "doctor" and "models fetch" in out
            assert code == 0 or missing_models, f"{command}\n{out}{err}"
        else:
            assert any(" ".join(words[:2]).startswith(name) for name in PARSED), command


def test_the_token_of_the_page_on_serving(workplace: Path) -> None:
    (line,) = [c for c in all_blocks("sh") if "/dev/urandom" in c.text]
    first = line.text.splitlines()[0]
    subprocess.run(["bash", "-euc", first], check=True)
    token = workplace / "token"
    assert len(token.read_text().strip()) == 32
    assert token.stat().st_mode & 0o777 == 0o600


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every sub-command's parser by the words that lead to it."""

    waiting: list[tuple[str, argparse.ArgumentParser]] = [("steadypose", build_parser())]
    while waiting:
        path, parser = waiting.pop()
        yield path, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += [(f"{path} {name}", inner) for name, inner in action.choices.items()]


OPTIONS = {path: {o for a in p._actions for o in a.option_strings} for path, p in parsers()}
EVERY_OPTION = {option for options in OPTIONS.values() for option in options}
OTHERS_OPTIONS = {"--budget"}
"""Options of ``benchmarks/gpu.sh`` that the documents name."""


@pytest.mark.parametrize("document", documents())
def test_commands_and_options_in_the_text_exist(document: str) -> None:
    for code in inline_code(document):
        if code.startswith("steadypose ") and "=" not in code.split()[1]:
            path = max((p for p in OPTIONS if f"{code} ".startswith(f"{p} ")), key=len)
            assert path != "steadypose" or code.split()[1].startswith(("-", "COMMAND")), code
            named = set(re.findall(r"(?<!\S)--[a-z][\w.-]*", code))
            assert named <= OPTIONS[path], code
        elif re.match(r"--[a-z]", code):
            option = re.match(r"--[a-z][\w.-]*", code)
            assert option is not None
            assert option[0] in EVERY_OPTION | OTHERS_OPTIONS, code
