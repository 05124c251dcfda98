"""Makes or reuses the virtual environment `.venv`, installs this project, runs a command.

    python3 .ci/venv.py EXTRAS COMMAND [ARGUMENT ...]

EXTRAS are names from pyproject.toml, separated by commas. It needs nothing but Python 3.11 and the
standard library: where Debian has split `ensurepip` off, pip is fetched as a wheel.
"""
from __future__ import annotations

import hashlib
import html.parser
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / os.environ.get("FUNCTRANS_VENV", ".venv")
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make():
    """The environment, with pip."""
    if not PYTHON.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], capture_output=True)
        if made.returncode:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(FOLDER)],
                           check=True)
    if subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode:
        install_pip()


class _Links(html.parser.HTMLParser):
    """The links of a package index's page."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs).get("href") or "")


def install_pip():
    """Fetches pip's newest wheel from the package index, and lets it install itself."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    with urllib.request.urlopen(index) as page:
        links = _Links()
        links.feed(page.read().decode())
    wheels = [link for link in links.found if re.search(r"/pip-[\d.]+-py3-none-any\.whl", link)]
    newest = max(wheels, key=lambda link: [int(part) for part in
                                           re.search(r"/pip-([\d.]+)-", link)[1].split(".")])
    address, _, digest = urllib.parse.urljoin(index, newest).partition("#")
    with urllib.request.urlopen(address) as reply:
        data = reply.read()
    name, _, expected = digest.partition("=")
    if expected and hashlib.new(name, data).hexdigest() != expected:
        raise SystemExit(f"{address} is damaged: its {name} is not {expected}")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / address.rpartition("/")[2]
        wheel.write_bytes(data)
        subprocess.run([str(PYTHON), f"{wheel}/pip", "install", "--quiet", str(wheel)], check=True)


def install(extras: str):
    """The project, editable, unless these extras of this very pyproject.toml are there already."""
    state = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    marker = FOLDER / "installed.txt"
    known = marker.read_text().split("\n") if marker.exists() else []
    wanted = [f"{state} {extra}" for extra in extras.split(",")]
    if all(line in known for line in wanted):
        return
    print(f"installing functrans[{extras}] into {FOLDER.name} ...", flush=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", "--editable",
                    f"{ROOT}[{extras}]"], check=True)
    marker.write_text("\n".join({*known, *wanted}))


def main():
    if sys.version_info < (3, 11):               # noqa: UP036  (other Pythons may run this file)
        raise SystemExit(f"functrans needs Python 3.11 or newer, this is {sys.version.split()[0]}")
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    extras, command, *arguments = sys.argv[1:]
    make()
    install(extras)
    os.chdir(ROOT)
    program = str(PYTHON) if command == "python" else command
    raise SystemExit(subprocess.run([program, *arguments]).returncode)


if __name__ == "__main__":
    main()
