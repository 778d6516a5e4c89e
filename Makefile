# `make compare` and `make test` do all the set-up: they need a Python and a network, nothing else.
# The environments are made by .ci/environment.sh; its .complete file says that one is ready.

SHELL := bash
BIN := .venv/bin
BENCH := .venv-bench/bin
OLDEST := .venv-oldest/bin

.DEFAULT_GOAL := help
.PHONY: help install compare study docs picture test test-extras oldest lint types check wheel
.PHONY: bench bench-borrowers bench-verdict bench-answers bench-ladder bench-calibration bench-suite golden clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s  %s\n", $$1, $$2}' Makefile

install: .venv/.complete  ## make .venv, with everything that the rest needs

compare: .venv/.complete  ## the main job: three posteriors of the bioassay model, into results/
	$(BIN)/tripos compare bioassay

study: .venv/.complete  ## open the study guide in a browser
	$(BIN)/marimo run study_guide/normal_approximation.py study_guide/beyond.py study_guide/ladder.py

docs: .venv/.complete  ## the study guide as HTML, into results/study_guide/
	mkdir -p results/study_guide
	for page in normal_approximation beyond ladder; do $(BIN)/marimo export html study_guide/$$page.py \
		-o results/study_guide/$$page.html -f --no-include-code -- --full yes || exit 1; done

picture: .venv/.complete  ## draw the picture of the README, docs/bioassay.png
	$(BIN)/python docs/picture.py

# A worker a core; a file stays with one worker, so that its fits are made once. Files keep the order
# of tests/conftest.py: left to itself xdist puts those with few tests last, some of which are long.
# One thread each, or the threads of two workers' BLAS wait for each other.
test: .venv/.complete  ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# Packages of several ages: the old call what the new deprecate (pyparsing's oneOf), and Numba tells
# when it compiles for an array of the old PyTensor that is not contiguous.
# PyMC 6.3 warns of its own imports with PyTensor 3.3.
test-extras: .venv-bench/.complete  ## the tests of methods that stand on optional packages
	$(BENCH)/python -m pytest -n auto --dist loadfile -W ignore::DeprecationWarning \
		-k "pathfinder or dadvi or other_packages or jax" \
		tests/approximations/test_{pathfinder,dadvi,nuts,methods,other_packages}.py

oldest: .venv-oldest/.complete  ## run the tests with the oldest versions that pyproject.toml allows
	$(OLDEST)/python -m pytest -W ignore::DeprecationWarning \
		-W ignore::numba.core.errors.NumbaPerformanceWarning

lint: .venv/.complete  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# From the folder of links that the editable install made, where the packages lie beneath tripos.
types: .venv/.complete  ## mypy over the packages
	cd build/__editable__.tripos-*/ && ../../$(BIN)/mypy --config-file ../../pyproject.toml

check: lint types test  ## lint, types and test

wheel: .venv/.complete  ## build sdist and wheel into dist/, and try the wheel by itself
	@bash .ci/wheel.sh

bench: .venv-bench/.complete  ## the benchmarks, in an environment with the peers (pymc-extras)
	for script in benchmarks/bioassay.py benchmarks/grid.py benchmarks/linkers.py; do $(BENCH)/python "$$script" || exit 1; done

bench-borrowers: .venv-bench/.complete  ## thousands of groups, refits, sparse factors, networks, against their peers
	for script in borrowers refit factorisations networks; do $(BENCH)/python benchmarks/$$script.py || exit 1; done

bench-verdict: .venv/.complete  ## the verdicts on 65 posteriors of known truth, many seeds (half an hour)
	$(BIN)/python benchmarks/verdicts.py

bench-answers: .venv/.complete  ## exact draws are accepted and wrong ones never (ten minutes)
	$(BIN)/python benchmarks/answers.py

bench-ladder: .venv/.complete  ## fit on the same 65 and on a gallery, against NUTS (hours)
	$(BIN)/python benchmarks/ladder.py --posteriors --seeds 5
	$(BIN)/python benchmarks/ladder.py --gallery --cold

bench-calibration: .venv-bench/.complete  ## a thousand Laplace fits of the bioassay, and what the peer would need
	$(BENCH)/python benchmarks/calibration.py

bench-suite: .venv/.complete  ## the catalogue by all cheap methods and NUTS: a scoreboard; kills; two processes
	$(BIN)/tripos suite benchmarks/suite.toml
	$(BIN)/python benchmarks/suite.py

golden: .venv/.complete  ## remake the numbers that the tests compare with
	$(BIN)/python tests/golden/generate.py

clean:  ## remove environments and caches; results/ stays
	rm -rf .venv .venv-bench .venv-oldest build dist *.egg-info
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# A file that is new or gone changes its folder: the install, which links every file, is made anew.
PACKAGES := $(shell find tripos models approximations comparisons -type d -not -name __pycache__)

.venv/.complete: pyproject.toml constraints.txt $(PACKAGES)
	@bash .ci/environment.sh .venv dev constraints.txt

.venv-bench/.complete: pyproject.toml constraints-peers.txt $(PACKAGES)
	@bash .ci/environment.sh .venv-bench peers constraints-peers.txt

.venv-oldest/.complete: pyproject.toml constraints-oldest.txt $(PACKAGES)
	@bash .ci/environment.sh .venv-oldest dev constraints-oldest.txt 3.12
