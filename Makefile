# For maintainers. The learners' way in is start.py; this file only shortens it.
PYTHON ?= python3
COURSE = .venv/bin/python

.PHONY: help learn test proof build lint bench fashion-mnist screenshots grade-demo
help:
	@echo "make: learn, test, proof, build, lint, bench, fashion-mnist, grade-demo, screenshots"

learn:  ## open the course
	$(PYTHON) start.py

test:  ## everything that CI runs
	$(PYTHON) start.py test

proof:  ## every exercise takes right answers and rejects known wrong ones
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m grading.proof

build:  ## the notebooks, from solutions/*.py
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m grading.cli build

lint:  ## style, spelling and types
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m ruff check .
	$(COURSE) -m ruff format --check .
	$(COURSE) -m codespell_lib .
	$(COURSE) -m mypy

bench:  ## nnlib beside its peers; a quarter of an hour on a quiet machine
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m tests.benchmarks

fashion-mnist:  ## the real runs: curves and scores in docs/runs
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m tests.benchmarks.fashion_mnist

grade-demo:  ## a class of 60 made-up submissions, from release to export
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m grading.demo

screenshots:  ## the pictures of the README
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m tests.browser.screenshots

.DEFAULT:
	@echo "make $@: there is no such target. There are: learn, test, proof, build, lint, bench, fashion-mnist, grade-demo, screenshots." >&2; exit 1
