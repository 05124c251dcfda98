"""The kernels on disk: found again; where anything is wrong, they are compiled."""
from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import textwrap
import warnings
import zipfile

import numpy as np
import pytest

import functrans as ft
import functrans.__main__ as command
from lowering.cuda import store
from lowering.cuda.machine_code import Cubin, CubinReport
from lowering.errors import ArchiveError
from lowering.native import archive, cache, compile as native, machine
from lowering.native.cache import DiskCache, Stored

TEXT = "def kernel(x, y, n):\n    for i in range(n):\n        y[i] = x[i] + x[i]\n"
TYPES = ("float32*", "float32*", "int64")


def run(compiled) -> list:
    """What the kernel of TEXT makes of 1, 2, 3."""
    x, y, words = np.array([1, 2, 3], np.float32), np.zeros(3, np.float32), np.zeros(2, np.int64)
    kind = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_int64] * 5)
    head = words.ctypes.data, words.ctypes.data + 8
    kind(compiled.address)(*head, x.ctypes.data, y.ctypes.data, 3)
    return y.tolist()


def compile_once(folder, **options):
    """The kernel as a process that knows nothing of it gets it; and its record."""
    native._compiled.pop((TEXT, TYPES, "direct"), None)
    compiled = native.compile_kernel(TEXT, TYPES, DiskCache(folder, **options))
    assert run(compiled) == [2, 4, 6]
    return native.records[-1]


def files(folder, ending=".bin") -> list:
    return [path for _, _, path in cache.files(folder) if path.suffix == ending]


def test_compiled_once_then_read(tmp_path):
    assert compile_once(tmp_path).origin == "compiled"
    record = compile_once(tmp_path)
    assert (record.origin, record.reason) == ("disk", "")
    assert [path.read_text() for path in files(tmp_path, ".py")] == [record.text]


def test_without_a_folder():
    native._compiled.pop((TEXT, TYPES, "direct"), None)
    assert run(native.compile_kernel(TEXT, TYPES)) == [2, 4, 6]
    assert native.records[-1].reason == "there is no cache folder"


def _truncate(data: bytes) -> bytes:
    return data[:len(data) // 2]


def _flip_a_bit_of_the_code(data: bytes) -> bytes:
    return data[:-100] + bytes([data[-100] ^ 4]) + data[-99:]


def _flip_a_bit_of_the_checksum(data: bytes) -> bytes:
    return data[:len(cache.FORMAT)] + bytes([data[len(cache.FORMAT)] ^ 1]) + data[
        len(cache.FORMAT) + 1:]


def _another_format(data: bytes) -> bytes:
    return data.replace(b"kernel 2", b"kernel 9", 1)


DAMAGES = (_truncate, _flip_a_bit_of_the_code, _flip_a_bit_of_the_checksum, _another_format,
           lambda data: b"", lambda data: data + b"!")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_compiled_again(tmp_path, damage):
    compile_once(tmp_path)
    path, = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    record = compile_once(tmp_path)
    assert (record.origin, record.reason) == ("compiled", "the file on disk is damaged")
    assert compile_once(tmp_path).origin == "disk"


def test_a_file_under_another_name_is_not_taken(tmp_path):
    compile_once(tmp_path)
    path, = files(tmp_path)
    (path.parent / "kernel_other.bin").write_bytes(path.read_bytes())
    assert DiskCache(tmp_path).load("kernel_other")[0] is None


def test_other_versions_are_kept_apart(tmp_path, monkeypatch):
    compile_once(tmp_path)
    monkeypatch.setattr(cache, "environment", lambda: "numba 9, another processor")
    record = compile_once(tmp_path)
    assert (record.origin, record.reason) == ("compiled", "it is not on disk")
    assert len({path.parent for path in files(tmp_path)}) == 2


def test_a_folder_that_cannot_be_written_warns_once(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    kernels = DiskCache(blocked / "kernels")
    with pytest.warns(UserWarning, match="cannot be kept in .* compiled anew in each process"):
        kernels.save("a", Stored(b"code", ("f",)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kernels.save("b", Stored(b"code", ("f",)))
        assert kernels.load("a")[0] is None


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_read(tmp_path):
    compile_once(tmp_path)
    folder = DiskCache(tmp_path).folder
    folder.chmod(0o500)
    try:
        assert compile_once(tmp_path).origin == "disk"
        with pytest.warns(UserWarning, match="cannot be kept"):
            DiskCache(tmp_path).save("new", Stored(b"code", ("f",)))
    finally:
        folder.chmod(0o700)


def in_process(code: str, folder, **environment) -> str:
    """What another process prints that runs `code` with a cache folder of its own."""
    variables = {**os.environ, "FUNCTRANS_CACHE_DIR": str(folder), "PYTHONPATH": os.getcwd(),
                 "OPENBLAS_NUM_THREADS": "1", **environment}
    done = subprocess.run([sys.executable, "-W", "always", "-c", textwrap.dedent(code)], text=True,
                          env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_full_disk_warns_and_computes(tmp_path):
    """No file may grow beyond a kilobyte: writing fails midway, as on a full disk."""
    out = in_process("""
        import resource, signal
        import functrans as ft, functrans.numpy as fnp
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        print(ft.jit(lambda x: x * x + 3)(fnp.arange(3.0)).tolist())
        print(ft.jit(lambda x: x * x + x * 5)(fnp.arange(3.0)).tolist())
        """, tmp_path, PYTHONDONTWRITEBYTECODE="1")         # Python would cut them short, too
    assert "[3.0, 4.0, 7.0]" in out and "[0.0, 6.0, 14.0]" in out
    assert out.count("cannot be kept") == 1
    assert not files(tmp_path)
    assert all(path.stat().st_size <= 1000 for path in tmp_path.glob("*/*"))


# ---- real file systems: a small one in memory, in a mount namespace of its own ----

@pytest.fixture
def in_memory_disk(tmp_path):
    """`run(size, *commands)`: shell commands with a file system of `size` at `$DISK`; what they
    print. `$RUN code` runs Python with the cache there."""
    def mounted(size: str, *commands: str) -> str:
        mount = f'mount -t tmpfs -o size={size} functrans "$DISK"'
        script = "set -e; " + "; ".join((mount, 'mkdir "$DISK/kernels"', *commands))
        environment = {**os.environ, "DISK": str(tmp_path), "PYTHONPATH": os.getcwd(),
                       "FUNCTRANS_CACHE_DIR": f"{tmp_path}/kernels",
                       "PYTHONDONTWRITEBYTECODE": "1",
                       "RUN": f"{sys.executable} -W always -c", "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.run(["unshare", "-rm", "sh", "-c", script], text=True, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True).stdout

    try:
        mounted("100k", "true")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {getattr(error, 'stdout', error)}")
    return mounted


TWO_KERNELS = """'
import functrans as ft, functrans.numpy as fnp
print(ft.jit(lambda x: x * x + 3)(fnp.arange(3.0)).tolist())
print(ft.jit(lambda x: x * x + x * 5)(fnp.arange(3.0)).tolist())
print("made:", len(ft.explain_compiles().compiled))
'"""


def test_a_disk_that_is_full_warns_once_and_computes(in_memory_disk):
    out = in_memory_disk("200k", 'head -c 196000 /dev/zero > "$DISK/other"', f"$RUN {TWO_KERNELS}",
                         'find "$DISK/kernels" -type f -size +0', 'rm "$DISK/other"',
                         f"$RUN {TWO_KERNELS}", f"$RUN {TWO_KERNELS}")
    full, rest = out.split("made: 2\n", 1)
    assert "[3.0, 4.0, 7.0]" in full and "[0.0, 6.0, 14.0]" in full
    assert full.count("cannot be kept") == 1 and "No space left" in full
    left = [line for line in rest.splitlines() if line.startswith("/")]
    assert all(line.endswith((".py", ".bin")) for line in left), left       # no torn temporary ones
    assert "cannot be kept" not in rest and rest.endswith("made: 0\n")


def test_a_file_system_that_is_only_read(in_memory_disk):
    """Root may write anywhere but here."""
    remount = 'mount -o remount,ro "$DISK"'
    other = TWO_KERNELS.replace("x * 5", "x * 5 - 2")
    out = in_memory_disk("2m", f"$RUN {TWO_KERNELS}", remount, f"$RUN {TWO_KERNELS}",
                         f"$RUN {other}")
    first, second, third, _ = out.split("made: ")
    assert second.startswith("2") and third.startswith("0")
    assert "cannot be kept" not in first + second
    assert third.count("cannot be kept") == 1 and "Read-only file system" in third
    assert "[-2.0, 4.0, 12.0]" in third and out.endswith("made: 1\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes by forking")
def test_sixteen_processes_start_cold_at_once(tmp_path):
    """All compile the same kernels into one empty folder, and all get the right results."""
    out = in_process("""
        import os, time, warnings
        import functrans as ft, functrans.numpy as fnp
        import lowering.targets.cpu, lowering.native.translate  # so that the children need not
        start, children = time.monotonic() + 0.5, []
        for _ in range(16):
            child = os.fork()
            if child == 0:
                time.sleep(max(0, start - time.monotonic()))
                one = ft.jit(lambda x: x * x + 3)(fnp.arange(3.0)).tolist()
                two = ft.jit(lambda x: (x * 5).sum())(fnp.arange(3.0)).tolist()
                os._exit(0 if (one, two) == ([3.0, 4.0, 7.0], 15.0) else 1)
            children.append(child)
        print([os.waitpid(child, 0)[1] for child in children])
        """, tmp_path)
    assert str([0] * 16) in out
    assert len(files(tmp_path)) == 3                # two kernels and the runner
    assert not [path for path in tmp_path.glob("*/*") if path.suffix not in (".bin", ".py")]
    for path in files(tmp_path):
        assert DiskCache(tmp_path).load(path.stem)[0] is not None


SECOND = """
    import sys
    import functrans as ft, functrans.numpy as fnp
    out = ft.jit(lambda x: fnp.sin(x * 1e8) + fnp.fmod(x, 0.3))(fnp.array([0.0, 1.0]))
    assert abs(out[1] - 1.0316) < 1e-4 and out[0] == 0, out
    print(len(ft.explain_compiles().compiled), "numba" in sys.modules)
    """


def test_a_second_process_compiles_nothing_and_imports_no_numba(tmp_path):
    """The kernel calls functions of the C library, which must be found without numba."""
    compiled, _ = in_process(SECOND, tmp_path).split()
    assert int(compiled) > 0
    compiled, numba = in_process(SECOND, tmp_path).split()
    assert compiled == "0"
    if sys.platform == "linux":
        assert numba == "False"


def test_what_object_code_refers_to():
    code = machine.assemble("declare double @sin(double)\ndefine double @f(double %x) {\n"
                            "  %y = call double @sin(double %x)\n  ret double %y\n}\n")
    names = machine.undefined_symbols(code)
    assert names is None or names == ["sin"]
    assert machine.missing(["no_such_function"]) and not machine.missing(["memcpy"])
    assert machine.undefined_symbols(b"no object code") is None


def _fill(folder, count: int, size: int):
    """Files of kernels, the first of them used longest ago."""
    kernels = DiskCache(folder)
    for number in range(count):
        kernels.save(f"k{number}", Stored(b"x" * size, ("f",)))
        os.utime(kernels._path(f"k{number}"), (number, number))


def test_too_much_is_removed_the_oldest_first(tmp_path):
    _fill(tmp_path, 10, 10_000)
    cache.evict(tmp_path, 10 ** 6)
    assert len(files(tmp_path)) == 10
    cache.evict(tmp_path, 60_000)
    assert sorted(path.stem for path in files(tmp_path)) == ["k6", "k7", "k8", "k9"]


def test_writing_keeps_to_the_limit(tmp_path):
    _fill(tmp_path, 10, 10_000)
    DiskCache(tmp_path, limit=50_000).save("new", Stored(b"x" * 100, ("f",)))
    assert sum(size for _, size, _ in cache.files(tmp_path)) <= 50_000
    assert "new" in [path.stem for path in files(tmp_path)]


def test_reading_marks_a_file_as_used(tmp_path):
    compile_once(tmp_path)
    path, = files(tmp_path)
    os.utime(path, (1, 1))
    compile_once(tmp_path)
    assert path.stat().st_mtime > 1


def test_info_and_clear(tmp_path, capsys):
    other = tmp_path / "of another program.txt"
    other.write_text("not ours")
    _fill(tmp_path, 3, 2 ** 20)
    with ft.config.override(cache_dir=tmp_path, cache_limit="2G"):
        command.main(["cache", "info"])
        shown = capsys.readouterr().out
        assert str(tmp_path) in shown and "3, for 1 combination of" in shown
        assert "3.0 MiB of at most 2048.0 MiB" in shown
        command.main(["cache", "clear"])
        assert "removed 3 files" in capsys.readouterr().out
    assert other.exists() and not cache.files(tmp_path)


# ---- archives ----

def packed(tmp_path):
    """An archive with one kernel, and its text."""
    compile_once(tmp_path / "there")
    assert archive.pack(tmp_path / "there", tmp_path / "kernels.zip") == 1
    return tmp_path / "kernels.zip"


def test_kernels_are_packed_and_unpacked(tmp_path):
    file = packed(tmp_path)
    assert archive.unpack(file, tmp_path / "here") == (1, 1)
    assert archive.unpack(file, tmp_path / "here") == (0, 1)
    assert compile_once(tmp_path / "here").origin == "disk"
    for ending in (".bin", ".py"):
        (own,), (theirs,) = (files(tmp_path / name, ending) for name in ("here", "there"))
        assert own.name == theirs.name and own.read_bytes() == theirs.read_bytes()


def test_nothing_to_pack(tmp_path):
    with pytest.raises(ArchiveError, match="there are no kernels for this machine"):
        archive.pack(tmp_path, tmp_path / "kernels.zip")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part, shown", [("Python", "Python: 9.9 there, "),
                                         ("processor", "processor: another there, "),
                                         ("functrans", "functrans: ")])
def test_an_archive_for_another_machine_is_refused(tmp_path, monkeypatch, part, shown):
    parts = {**cache.environment_parts(), part: "9.9" if part == "Python" else "another"}
    with monkeypatch.context() as patch:
        patch.setattr(cache, "environment_parts", lambda: parts)
        file = packed(tmp_path)
    with pytest.raises(ArchiveError, match="made for another machine or version") as error:
        archive.unpack(file, tmp_path / "here")
    assert shown in str(error.value) and len(str(error.value)) < 400
    assert not (tmp_path / "here").exists()


def test_features_of_a_processor_that_differ_are_named():
    one = "x86_64-linux|zen|+sse,+avx,+avx2,+fma,+bmi,+lzcnt,+popcnt"
    shown = archive._difference(one, one.replace("+avx2", "-avx2"))
    assert shown == "+avx2,+fma,+bmi,+lzcnt,+popcnt there, -avx2,+fma,+bmi,+lzcnt,+popcnt here"


def _rewritten(file, change):
    """The archive with `change(name, data)` of each of its files."""
    with zipfile.ZipFile(file) as before:
        contents = {name: before.read(name) for name in before.namelist()}
    with zipfile.ZipFile(file, "w") as after:
        for name, data in contents.items():
            for new in change(name, data):
                after.writestr(*new)


@pytest.mark.parametrize("change", [
    lambda name, data: [(name, data + b"!" if name.endswith(".bin") else data)],
    lambda name, data: [] if name.endswith(".py") else [(name, data)],
    lambda name, data: [] if name == archive.MANIFEST else [(name, data)],
    lambda name, data: [(name, b"no json" if name == archive.MANIFEST else data)],
    lambda name, data: [(name, b"[]" if name == archive.MANIFEST else data)],
    lambda name, data: [(name.replace("kernel_", "../kernel_"), data.replace(
        b"kernel_", b"../kernel_") if name == archive.MANIFEST else data)],
])
def test_a_damaged_archive_writes_nothing(tmp_path, change):
    file = packed(tmp_path)
    _rewritten(file, change)
    with pytest.raises(ArchiveError, match="damaged"):
        archive.unpack(file, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_what_is_no_archive(tmp_path):
    with pytest.raises(ArchiveError, match="there is no file"):
        archive.unpack(tmp_path / "missing.zip", tmp_path)
    (tmp_path / "text").write_bytes(packed(tmp_path).read_bytes()[:300])
    with pytest.raises(ArchiveError, match="damaged, or no archive"):
        archive.unpack(tmp_path / "text", tmp_path)
    _rewritten(packed(tmp_path), lambda name, data: [(name, data.replace(b"kernels 1",
                                                                         b"kernels 7"))])
    with pytest.raises(ArchiveError, match="has the format 'functrans kernels 7'"):
        archive.unpack(tmp_path / "kernels.zip", tmp_path)


def carried_by_command(tmp_path, file: str, capsys) -> str:
    """Packs the folder `there`, and unpacks it into `here`: what is printed."""
    with ft.config.override(cache_dir=tmp_path / "there"):
        command.main(["cache", "pack", file])
    with ft.config.override(cache_dir=tmp_path / "here"):
        command.main(["cache", "unpack", file])
    return capsys.readouterr().out


def test_pack_and_unpack_by_command(tmp_path, capsys):
    compile_once(tmp_path / "there")
    file = str(tmp_path / "kernels.zip")
    shown = carried_by_command(tmp_path, file, capsys)
    assert f"packed 1 kernels into {file}" in shown
    assert f"unpacked 1 kernels into {tmp_path / 'here'}; 1 of them are new" in shown
    assert compile_once(tmp_path / "here").origin == "disk"


def device_kernel(folder) -> Cubin:
    """Machine code for a device, as if it had been compiled."""
    cubin = Cubin(b"\x7fELF", "kernel_0", CubinReport("kernel_0", (9, 0), 8, 0, 0, 0, 0, 0, 4))
    store.save(store.folder_in(folder) / f"abc{store.ENDING}", cubin)
    return cubin


def test_kernels_for_a_device_come_along(tmp_path, capsys):
    compile_once(tmp_path / "there")
    cubin = device_kernel(tmp_path / "there")
    shown = carried_by_command(tmp_path, str(tmp_path / "kernels.zip"), capsys)
    assert "packed 2 kernels into" in shown and "; 2 of them are new" in shown
    assert store.load(store.folder_in(tmp_path / "here") / "abc.cubin") == cubin
    assert compile_once(tmp_path / "here").origin == "disk"


def test_kernels_for_a_device_that_other_compilers_made_are_left_out(tmp_path, monkeypatch):
    compile_once(tmp_path / "there")
    device_kernel(tmp_path / "there")
    file = tmp_path / "kernels.zip"
    archive.pack(tmp_path / "there", file, store)
    parts = {**store.environment_parts(), "numba-cuda": "9.9"}
    monkeypatch.setattr(store, "environment_parts", lambda: parts)
    with pytest.warns(UserWarning, match="1 kernels for a device .*numba-cuda: .* 9.9 here"):
        assert archive.unpack(file, tmp_path / "here", store) == (1, 1)
    assert not list((tmp_path / "here").glob("*/*.cubin"))
    assert archive.unpack(file, tmp_path / "other") == (1, 1)


def test_a_damaged_kernel_for_a_device_writes_nothing(tmp_path):
    compile_once(tmp_path / "there")
    device_kernel(tmp_path / "there")
    file = tmp_path / "kernels.zip"
    archive.pack(tmp_path / "there", file, store)
    _rewritten(file, lambda name, data: [(name, data + b"!" if name.endswith(".cubin") else data)])
    with pytest.raises(ArchiveError, match="damaged: abc.cubin"):
        archive.unpack(file, tmp_path / "here", store)
    assert not (tmp_path / "here").exists()


def test_commands_end_with_the_reason(tmp_path, capsys):
    for cache_dir, arguments, reason in (
            (tmp_path, ["unpack", "missing.zip"], "cache unpack: there is no file missing.zip"),
            ("", ["pack", "kernels.zip"], "there is no cache folder: FUNCTRANS_CACHE_DIR")):
        with ft.config.override(cache_dir=cache_dir), pytest.raises(SystemExit) as end:
            command.main(["cache", *arguments])
        assert end.value.code == 1 and reason in capsys.readouterr().err


def test_settings():
    with ft.config.override(cache_limit="5M", cache_dir=""):
        assert ft.config.cache_limit == 5 * 2 ** 20 and ft.config.cache_dir is None
        assert ft.jit(lambda x: x * 2 + 17)(1.0).tolist() == 19.0
    with pytest.raises(ValueError, match="cache_limit = 'much'"):
        ft.config.override(cache_limit="much").__enter__()
