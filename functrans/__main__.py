"""`python -m functrans cache info` and `python -m functrans cache clear`."""
from __future__ import annotations

import argparse

from functrans.config import config
from functrans.jit import cached_files, clear_cache


def main(arguments=None):
    """Runs the command that `arguments` (by default, those of the process) ask for."""
    parser = argparse.ArgumentParser(prog="python -m functrans")
    commands = parser.add_subparsers(dest="command", required=True)
    cache = commands.add_parser("cache", help="the compiled kernels on disk")
    cache.add_argument("action", choices=("info", "clear"), help=(
        "info: where they are, how many, how large; clear: removes them"))
    options = parser.parse_args(arguments)
    {"info": _info, "clear": _clear}[options.action]()


def _info():
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


def _clear():
    count = len(cached_files())
    clear_cache()
    print(f"removed {count} files from {config.cache_dir}")


if __name__ == "__main__":
    main()
