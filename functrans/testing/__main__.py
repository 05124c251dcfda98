"""`python -m functrans.testing conformance` and `python -m functrans.testing mutation`."""
from __future__ import annotations

import argparse
from importlib import import_module

COMMANDS = {"conformance": "what a library of array functions and derivatives gets right",
            "mutation": "whether the property tests find planted faults"}


def main(arguments=None) -> int:
    """Runs the command that `arguments` (by default, those of the process) ask for."""
    parser = argparse.ArgumentParser(prog="python -m functrans.testing")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, told in COMMANDS.items():
        command = import_module(f"functrans.testing.{name}.command")
        chosen = commands.add_parser(name, help=told, description=command.__doc__)
        command.add_arguments(chosen)
        chosen.set_defaults(run=command.main)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    raise SystemExit(main())
