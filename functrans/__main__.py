"""The commands `python -m functrans doctor` and `python -m functrans cache`, which has the actions
info, clear, pack FILE, unpack FILE."""
from __future__ import annotations

import argparse
import os

from functrans.config import config
from functrans.doctor import report
from functrans.errors import ArgumentError
from functrans.jit import cached_files, clear_cache, pack_cache, unpack_cache


def main(arguments=None):
    """Runs the command that `arguments` (by default, those of the process) ask for."""
    parser = argparse.ArgumentParser(prog="python -m functrans")
    commands = parser.add_subparsers(dest="command", required=True)
    cache = commands.add_parser("cache", help="the compiled kernels on disk")
    actions = cache.add_subparsers(dest="action", required=True)
    for name, (function, text, takes_file) in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        action.set_defaults(run=function)
        if takes_file:
            action.add_argument("file", help="the archive, a zip file")
    doctor = commands.add_parser("doctor", help="what is installed, where, and what is missing")
    doctor.set_defaults(run=lambda options: print(report()))
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (ArgumentError, OSError, ValueError) as error:
        parser.exit(1, f"python -m functrans cache {options.action}: {error}\n")


def _info(options):
    files = cached_files()
    kernels = sum(path.suffix == ".bin" for _, _, path in files)
    versions = len({path.parent for _, _, path in files})
    print(f"folder:  {config.cache_dir}\n"
          f"kernels: {kernels}, for {versions} combination{'s' if versions != 1 else ''} of "
          "versions and processor\n"
          f"size:    {_megabytes(sum(size for _, size, _ in files))} of at most "
          f"{_megabytes(config.cache_limit)}")


def _megabytes(size: int) -> str:
    return f"{size / 2 ** 20:.1f} MiB"


def _clear(options):
    count = len(cached_files())
    clear_cache()
    print(f"removed {count} files from {config.cache_dir}")


def _pack(options):
    count = pack_cache(options.file)
    size = os.path.getsize(options.file)
    print(f"packed {count} kernels into {options.file}, {_megabytes(size)}")


def _unpack(options):
    new, count = unpack_cache(options.file)
    print(f"unpacked {count} kernels into {config.cache_dir}; {new} of them are new")


_ACTIONS = {
    "info": (_info, "where they are, how many, how large", False),
    "clear": (_clear, "removes them", False),
    "pack": (_pack, "writes those that this machine uses to one file", True),
    "unpack": (_unpack, "puts those of such a file into the folder, where versions and processor "
                        "are the same; unpack what you trust, as it is machine code", True),
}


if __name__ == "__main__":
    main()
