"""Side by side: functrans, JAX and PyTorch on the same work, in one run.

    python -m benchmarks                    every row
    python -m benchmarks softmax lstm       the rows whose names contain one of the words
    python -m benchmarks --quick            fewer and shorter rounds
    python -m benchmarks --write            puts the table into docs/performance.md

Each library lives in a process of its own; the processes take turns, so that whatever disturbs the
machine disturbs all of them. This package imports no library at its top: the processes of the
others must not load NumPy before their environment is set.
"""
