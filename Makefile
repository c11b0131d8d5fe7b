# For maintainers. The learners' way in is start.py; this file only shortens it.
PYTHON ?= python3
COURSE = .venv/bin/python

.PHONY: help learn test test-full proof build lint bench bench-grading fashion-mnist screenshots grade-demo attacks
help:
	@echo "make: learn, test, test-full, proof, build, lint, bench, bench-grading, fashion-mnist, grade-demo, attacks, screenshots"

learn:  ## open the course
	$(PYTHON) start.py

test:  ## everything that CI runs
	$(PYTHON) start.py test

test-full:  ## the long forms too: 200 seeds, 200 kills, 300 honest submissions, a class of 10,000
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m grading.proof --seeds 200
	NNCOURSE_FULL=1 $(PYTHON) start.py test

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

bench-grading:  ## grading beside plain nbgrader; half an hour on a quiet machine
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m tests.benchmarks.grading

attacks:  ## the attacks against plain nbgrader and against us, in a table: docs/attacks.md
	@$(PYTHON) start.py test --install-only
	$(COURSE) -m tests.attacks

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
	@echo "make $@: there is no such target. There are: learn, test, test-full, proof, build, lint, bench, bench-grading, fashion-mnist, grade-demo, attacks, screenshots." >&2; exit 1
