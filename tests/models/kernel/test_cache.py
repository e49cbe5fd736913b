"""Kernels on disk: what is not as it was written is never loaded."""

import os
import shutil
import stat
import sys
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numba
import pytest
from tiny_kernels import FILES, NAME, OTHER, answers, as_root, load_anew, never, posix, snapshot, write_tiny

from kinimmune.models.kernel.cache import count_kernels, load_module
from kinimmune.models.kernel.store.sealing import ABANDONED_AFTER, SEAL, find_fault


def clear(path: Path) -> None:
    """Remove a file, link or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def foreign(path: Path) -> None:
    """Put the file of another kernel in the place of a file."""
    other = Path(str(path).replace(NAME, OTHER))
    shutil.copy2(other, path)


def directory(path: Path) -> None:
    clear(path)
    path.mkdir()


def dangling(path: Path) -> None:
    clear(path)
    path.symlink_to("nowhere")


def pipe(path: Path) -> None:
    clear(path)
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "halved": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbled": lambda path: path.write_bytes(bytes((7 * i * i) % 251 for i in range(path.stat().st_size))),
    "one bit": lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "foreign": foreign,
    "removed": clear,
    "directory": directory,
    "link to nothing": dangling,
    "pipe": pipe,
}


EVERYWHERE = ("emptied", "halved", "garbled", "foreign", "directory", "link to nothing")
"""What is done to files of every kind; the rest is done to machine code."""


@posix
@pytest.mark.parametrize(
    ("file", "damage"),
    [(file, damage) for file in (FILES[0], FILES[1], FILES[4], "SHA256SUMS") for damage in EVERYWHERE]
    + [(FILES[2], damage) for damage in DAMAGES if damage not in EVERYWHERE],
)
def test_a_damaged_file_is_told_once_and_the_kernel_built_anew_with_the_same_answers(
    kernels: Path, file: str, damage: str
) -> None:
    (path,) = (kernels / NAME).glob(file)
    DAMAGES[damage](path)
    with pytest.warns(RuntimeWarning, match="held damaged files .*removed and the kernels built anew") as told:
        assert answers(load_anew()) == (0.2, 2.1)
    assert len(told) == 1
    assert str(kernels) in str(told[0].message)
    assert find_fault(kernels / NAME) is None
    assert answers(load_anew(write=never)) == (0.2, 2.1)
    assert sorted(path.name for path in kernels.iterdir()) == [OTHER, NAME]


@posix
@pytest.mark.parametrize("damage", ["a file", "the folder of another", "an empty folder", "a link to nothing"])
@pytest.mark.parametrize("place", [".", "__pycache__"])
def test_what_stands_in_the_place_of_a_folder_of_a_kernel_is_replaced(kernels: Path, place: str, damage: str) -> None:
    path = kernels / NAME / place
    clear(path)
    {
        "a file": path.touch,
        "the folder of another": lambda: shutil.copytree(kernels / OTHER / place, path),
        "an empty folder": path.mkdir,
        "a link to nothing": lambda: path.symlink_to("nowhere"),
    }[damage]()
    with pytest.warns(RuntimeWarning, match="held damaged files"):
        assert answers(load_anew()) == (0.2, 2.1)
    assert answers(load_anew(write=never)) == (0.2, 2.1)


def test_a_sound_kernel_is_loaded_in_silence_and_nothing_is_written(kernels: Path) -> None:
    before = snapshot(kernels)
    assert answers(load_anew(write=never)) == (0.2, 2.1)
    assert Path(str(sys.modules[NAME].__file__)) == kernels / NAME / f"{NAME}.py"
    assert snapshot(kernels) == before


def test_a_missing_kernel_is_built_in_silence(kernels: Path) -> None:
    shutil.rmtree(kernels / NAME)
    assert answers(load_anew()) == (0.2, 2.1)
    assert Path(str(sys.modules[NAME].__file__)).is_file()
    assert find_fault(kernels / NAME) is None


def test_many_damaged_kernels_are_told_in_one_line(kernels: Path) -> None:
    for file in kernels.rglob("*.nb?"):
        file.write_bytes(b"")
    with pytest.warns(RuntimeWarning) as told:
        first = load_anew()
    assert answers(load_anew(OTHER)) == (pytest.approx(0.3), 3.1)  # in silence
    assert answers(first) == (0.2, 2.1)
    assert len(told) == 1
    assert "\n" not in str(told[0].message)


def test_a_planted_line_is_not_executed(kernels: Path) -> None:
    source = kernels / NAME / f"{NAME}.py"
    source.write_text(f"open({str(kernels / 'planted')!r}, 'w')\n" + source.read_text())
    with pytest.warns(RuntimeWarning, match="is not as it was written"):
        load_anew()
    assert not (kernels / "planted").exists()
    assert source.read_text() == write_tiny(NAME)


def test_what_python_compiled_of_another_text_is_not_executed(kernels: Path, tmp_path: Path) -> None:
    import importlib.util
    import py_compile

    source, marker = kernels / NAME / f"{NAME}.py", tmp_path / "planted"
    evil = tmp_path / source.name
    evil.write_text(f"open({str(marker)!r}, 'w')\n" + source.read_text())
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(evil), importlib.util.cache_from_source(str(source)), invalidation_mode=mode)
    assert answers(load_anew(write=never)) == (0.2, 2.1)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["another.nbi", "of\ntwo  lines.nbc", os.fsdecode(b"\xff.nbi")])
def test_an_index_nobody_sealed_is_damage(kernels: Path, name: str) -> None:
    (index,) = (kernels / NAME).glob(FILES[3])
    shutil.copy2(index, index.with_name(name))
    with pytest.warns(RuntimeWarning, match=f"{name} is not as it was written"):
        assert answers(load_anew()) == (0.2, 2.1)
    assert not index.with_name(name).exists()
    assert find_fault(kernels / NAME) is None


def test_checksums_of_any_length_are_compared_without_reading_them_whole(kernels: Path) -> None:
    os.truncate(kernels / NAME / SEAL, 2**33)  # nothing of it is stored
    tracemalloc.start()
    try:
        fault = find_fault(kernels / NAME)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fault == f"{kernels / NAME / SEAL} is not as it was written"
    assert most < 2**22


@posix
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
@pytest.mark.parametrize("file", [*FILES[:3], "SHA256SUMS", "__pycache__", "."])
def test_what_others_could_have_written_is_built_anew_for_this_user_alone(kernels: Path, file: str, mode: int) -> None:
    (path,) = (kernels / NAME).glob(file) if file != "." else (kernels / NAME,)
    path.chmod(mode | 0o100 if path.is_dir() else mode)
    before = find_fault(kernels / NAME)
    assert before is not None
    assert "others can write to" in before
    if file == FILES[0]:  # the others differ by what is looked at, not by what is done
        with pytest.warns(RuntimeWarning, match="others can write to"):
            assert answers(load_anew()) == (0.2, 2.1)
        assert all(stat.S_IMODE(path.stat().st_mode) in (0o600, 0o700) for path in (kernels / NAME).rglob("*"))


@as_root
@pytest.mark.parametrize("file", [*FILES[:3], "SHA256SUMS", "__pycache__"])
def test_what_belongs_to_another_user_is_not_loaded(kernels: Path, file: str) -> None:
    (path,) = (kernels / NAME).glob(file)
    os.chown(path, 65534, -1)
    assert "belongs to another user, uid 65534" in str(find_fault(kernels / NAME))


def test_numba_keeps_nothing_elsewhere_whatever_it_was_told(
    kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(kernels / NAME)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "elsewhere"))
    load_anew()
    assert str(tmp_path / "elsewhere") == numba.config.CACHE_DIR
    assert not (tmp_path / "elsewhere").exists()
    assert answers(load_anew(write=never)) == (0.2, 2.1)


def test_a_compilation_that_was_interrupted_leaves_neither_half_a_module_nor_half_a_kernel(kernels: Path) -> None:
    def interrupt(_: ModuleType) -> None:
        raise KeyboardInterrupt

    shutil.rmtree(kernels / NAME)
    sys.modules.pop(NAME, None)
    with pytest.raises(KeyboardInterrupt):
        load_module(NAME, lambda: write_tiny(NAME), interrupt)
    assert [path.name for path in kernels.iterdir()] == [OTHER]
    assert answers(load_anew()) == (0.2, 2.1)


def test_threads_that_want_one_kernel_get_one_module(kernels: Path) -> None:
    shutil.rmtree(kernels / NAME)
    sys.modules.pop(NAME, None)
    written, found = [], []

    def write() -> str:
        written.append(1)
        return write_tiny(NAME)

    def load() -> None:
        found.append(load_module(NAME, write, lambda module: module.shift(0.0)))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 1
    assert len(found) == 4
    assert {answers(module) for module in found} == {(0.2, 2.1)}


def test_a_process_that_finds_the_kernel_of_another_in_its_place_leaves_it(kernels: Path) -> None:
    built = kernels.with_name("built")
    shutil.move(kernels / NAME, built)

    def write() -> str:
        shutil.copytree(built, kernels / NAME)  # another process is quicker
        return write_tiny(NAME)

    assert answers(load_anew(write=write)) == (0.2, 2.1)
    assert sorted(path.name for path in kernels.iterdir()) == [OTHER, NAME]
    assert find_fault(kernels / NAME) is None


def test_what_killed_processes_left_is_removed_when_it_is_old(kernels: Path) -> None:
    shutil.rmtree(kernels / NAME)
    old, new = kernels / ".kernel-old.tmp", kernels / ".kernel-new.tmp"
    for path in (old, new):
        path.mkdir()
    os.utime(old, (old.stat().st_mtime - 2 * ABANDONED_AFTER,) * 2)
    load_anew()
    assert new.exists()
    assert not old.exists()


def test_kernels_are_counted_with_those_that_are_damaged(kernels: Path) -> None:
    (kernels / "kinimmune_loop_0").mkdir()
    (kernels / "kinimmune_model_0.py").touch()
    assert count_kernels(kernels) == (2, 0)
    (kernels / OTHER / "SHA256SUMS").write_text("")
    assert count_kernels(kernels) == (1, 1)
    assert count_kernels(kernels / "nowhere") == (0, 0)
    assert count_kernels(kernels / "kinimmune_model_0.py") == (0, 0)


def test_a_call_with_other_types_leaves_a_sealed_kernel_as_it_is(tmp_path, monkeypatch):
    """Numba would add what it compiles to the kernel, and the next process would take it for damage."""
    monkeypatch.setenv("KINIMMUNE_CACHE", str(tmp_path))
    for module in (load_anew(), load_anew()):  # as it was made, and as it was found
        assert module.shift(3) == 5
        assert find_fault(tmp_path / NAME) is None
