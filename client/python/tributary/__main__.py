"""`python -m tributary`, which is the program `tributary` and `demo`."""

from tributary.programs import run_tributary

run_tributary()
