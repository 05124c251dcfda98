"""`python -m functrans doctor` tells what is there and what is missing, whatever the machine."""
from __future__ import annotations

import functrans as ft
from functrans import doctor
from functrans.__main__ import main


def test_the_report_names_versions_places_and_devices(capsys):
    main(["doctor"])
    text = capsys.readouterr().out
    for words in (f"functrans {ft.__version__}", "NumPy", "numba", "BLAS:", "cache:", "cpu:0",
                  "extras:", "bfloat16"):
        assert words in text
    assert "could not be found out" not in text


def test_what_is_missing_comes_with_its_command(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda package: None)
    monkeypatch.setattr(doctor, "blas_path", lambda: None)
    text = doctor.report()
    for command in ("pip install numba", "pip install scipy-openblas32",
                    "pip install 'functrans[bfloat16]'"):
        assert command in text


def test_a_cache_that_is_not_there_or_cannot_be_written_to(tmp_path, monkeypatch):
    with ft.config.override(cache_dir=tmp_path / "none"):
        assert "not there yet" in doctor.report()
    with ft.config.override(cache_dir=None):
        assert "each process compiles" in doctor.report()
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    with ft.config.override(cache_dir=tmp_path):
        assert "FUNCTRANS_CACHE_DIR" in doctor.report()


def test_no_trouble_keeps_the_rest_from_being_told(monkeypatch):
    def trouble():
        raise RuntimeError("no such luck")
    monkeypatch.setattr(doctor, "cached_files", trouble)
    text = doctor.report()
    assert "RuntimeError: no such luck" in text and "cpu:0" in text
