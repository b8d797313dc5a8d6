"""Plays scenarios with python-socketio: `python run.py connecting`."""

import importlib
import os
import sys

from toolkit import play

scenarios = importlib.import_module(sys.argv[1]).SCENARIOS
well = play(scenarios)
sys.stdout.flush()
# Threads of a client that is not done must not keep this process.
os._exit(0 if well else 1)
