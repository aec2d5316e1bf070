# Everything is set up by itself in .venv; nothing outside the checkout is touched but the user's
# cache of models. Paths are relative, so the checkout may lie under a name with spaces.

# A particular interpreter: make test PYTHON=python3.12
PYTHON ?=
# Where 'make demo' writes.
DEMO_OUTPUT ?= demo-output
# Tests that run side by side.
TEST_JOBS ?= 2
# Further options of pytest: make test PYTEST_ARGS="-k skeleton"
PYTEST_ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
STEADYPOSE := $(PY) -m steadypose.stream.cli.main

# The stamps chain, so that 'make -j' never runs two pips in one environment.
VENV_STAMP := $(VENV)/.stamp-venv
RUN_STAMP := $(VENV)/.stamp-run
DEV_STAMP := $(VENV)/.stamp-dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo models test lint docs sbom constraints wheel clean

help:
	@echo "make demo         track people in a sample clip (sets everything up, fetches the models)"
	@echo "make test         lint, types and tests"
	@echo "make lint         ruff, mypy and the import arrows"
	@echo "make models       fetch the default models and the sample clip into the user's cache"
	@echo "make docs         build the documentation into site/"
	@echo "make sbom         write a CycloneDX bill of materials to dist/sbom.json"
	@echo "make wheel        build dist/*.whl and dist/*.tar.gz"
	@echo "make constraints  pin the newest versions in constraints.txt"
	@echo "make clean        remove builds, caches and demo-output; .venv stays"

$(VENV_STAMP):
	@bash scripts/make_venv.sh $(VENV) "$(PYTHON)"
	@touch $@

$(RUN_STAMP): $(VENV_STAMP) pyproject.toml constraints.txt
	$(PY) -m pip install --quiet -c constraints.txt -e .
	@$(PY) -m steadypose.opencv_check
	@touch $@

$(DEV_STAMP): $(RUN_STAMP)
	$(PY) -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

models: $(RUN_STAMP)
	$(STEADYPOSE) models fetch
	$(STEADYPOSE) models fetch demo-clip

demo: models
	@set -e; \
	clip=$$($(STEADYPOSE) models path demo-clip); \
	$(STEADYPOSE) track "$$clip" -o "$(DEMO_OUTPUT)" --save-video; \
	name=$$(basename "$${clip%.*}"); \
	echo "overlay:   $(DEMO_OUTPUT)/$$name.mp4"; \
	echo "PoseTrack: $(DEMO_OUTPUT)/$$name.posetrack.json"; \
	echo "summary:   $(DEMO_OUTPUT)/$$name.summary.json"

lint: $(DEV_STAMP)
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

test: lint
	$(PY) -m pytest -n $(TEST_JOBS) --dist worksteal --durations=10 $(PYTEST_ARGS)

constraints: $(VENV_STAMP)
	$(PY) -m pip install --quiet uv
	@echo "# The versions that are tested, for Python 3.10 to 3.13 on any system." \
	  "Made by: make constraints" > constraints.txt.part
	$(PY) -m uv pip compile --quiet --no-python-downloads --universal --python-version 3.10 \
	  --no-header --no-annotate --extra dev pyproject.toml >> constraints.txt.part
	@mv constraints.txt.part constraints.txt

docs: $(DEV_STAMP)
	$(PY) scripts/third_party.py page
	$(PY) -m mkdocs build --strict

sbom: $(DEV_STAMP)
	$(PY) scripts/third_party.py sbom

wheel: $(DEV_STAMP)
	rm -rf build dist
	$(PY) -m build --no-isolation

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache .coverage htmlcov demo-output site
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
