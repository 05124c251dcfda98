"""The mutation run: planted faults in rules, which property tests must find and make small.

    python -m functrans.testing mutation

replaces one rule of one primitive by a wrong one, 100 times; each time random Programs are drawn
until one gives a wrong value or derivative, and this one is shrunk. Then Programs are drawn with
all rules in order, under 20 seeds: none may fail. Needs hypothesis.
"""
from functrans.testing.mutation.faults import FAULTS, Fault
from functrans.testing.mutation.hunting import Found, hunt

__all__ = ["FAULTS", "Fault", "Found", "hunt"]
