"""Benchmarks: what nnlib costs beside its peers, measured in the same run.

``python -m tests.benchmarks`` (= ``make bench``) runs all of them on one BLAS thread, writes
``build/benchmarks.json`` and renews the table in ``nnlib/README.md``. Nothing here is a timed test:
machines differ, and a number belongs to the run that measured it.
"""
