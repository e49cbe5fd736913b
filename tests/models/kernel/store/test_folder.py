"""Which folder is used for kernels: one that nobody else can write to, and made so."""

import os
import stat
import warnings
from pathlib import Path

import pytest
from tiny_kernels import NAME, answers, as_root, load_anew, posix, snapshot

from kinimmune.models.kernel.store.folder import cache_folder, find_objection, open_folder, usable_folder


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_folders_are_made_for_this_user_alone_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    monkeypatch.setenv("KINIMMUNE_CACHE", str(tmp_path / "a" / "b" / "kernels"))
    before = os.umask(umask)
    try:
        load_anew()
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert len(made) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()} == {0o600}


@posix
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o770, 0o1777, 0o2775, 0o702])
def test_a_folder_others_can_write_to_is_not_used(kernels: Path, mode: int) -> None:
    source = kernels / NAME / f"{NAME}.py"
    source.write_text(f"open({str(kernels / 'planted')!r}, 'w')\n" + source.read_text())
    kernels.chmod(mode)
    before = snapshot(kernels)
    advice = "" if mode & stat.S_ISVTX else f"; chmod go-w {kernels}"
    with pytest.warns(RuntimeWarning) as told:
        assert answers(load_anew()) == (0.2, 2.1)
    assert len(told) == 1
    text = str(told[0].message)
    assert f"(others can write to {kernels}, mode {mode:04o}{advice})" in text
    assert "Set KINIMMUNE_CACHE" in text
    assert snapshot(kernels) == before
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_anew()  # said once


@posix
@pytest.mark.parametrize(
    ("mode", "used"), [(0o755, True), (0o700, True), (0o775, True), (0o1777, True), (0o777, False), (0o707, False)]
)
def test_above_the_folder_only_the_owner_or_a_sticky_bit_may_be(tmp_path: Path, mode: int, used: bool) -> None:
    above = tmp_path / "above"
    (above / "between" / "kernels").mkdir(parents=True)
    above.chmod(mode)
    for folder in (above / "between" / "kernels", above / "new" / "kernels"):
        objection = find_objection(folder)
        assert (objection is None) == used
        assert used or f"chmod o-w or +t {above}" in str(objection)


@as_root
def test_a_folder_of_another_user_is_not_used(kernels: Path) -> None:
    os.chown(kernels, 65534, -1)
    with pytest.warns(RuntimeWarning, match="belongs to another user, uid 65534.*Set KINIMMUNE_CACHE"):
        assert answers(load_anew()) == (0.2, 2.1)


@posix
def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    good, bad, link = tmp_path / "good", tmp_path / "bad", tmp_path / "link"
    good.mkdir(0o755)
    bad.mkdir()
    bad.chmod(0o777)
    link.symlink_to(good)
    assert find_objection(link) is None
    assert open_folder(link) == good.resolve()
    link.unlink()
    link.symlink_to(bad)
    assert "others can write" in str(find_objection(link))
    link.unlink()
    link.symlink_to(tmp_path / "purged" / "kernels")
    assert open_folder(link) == (tmp_path / "purged" / "kernels").resolve()
    assert stat.S_IMODE((tmp_path / "purged").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("file", "is no folder"),
        ("file/below", "is no folder"),
        ("loop", "is no folder|links"),
        ("x" * 5000, "name too long"),
        ("~nobody_of_this_name/kernels", "no home folder is known for '~nobody_of_this_name'"),
    ],
)
def test_what_can_be_no_folder_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, reason: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("loop").symlink_to("loop")
    monkeypatch.setenv("KINIMMUNE_CACHE", given)
    with pytest.warns(RuntimeWarning, match=f"(?i)cannot be used \\(.*({reason})") as told:
        assert answers(load_anew()) == (0.2, 2.1)
    assert len(told) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


def test_a_path_may_be_relative_or_begin_at_home_and_an_empty_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KINIMMUNE_CACHE", "near/kernels")
    assert cache_folder() == tmp_path / "near" / "kernels"
    monkeypatch.setenv("KINIMMUNE_CACHE", "~/kernels")
    assert cache_folder() == tmp_path / "home" / "kernels"
    monkeypatch.delenv("KINIMMUNE_CACHE")
    default = cache_folder()
    monkeypatch.setenv("KINIMMUNE_CACHE", "")
    assert cache_folder() == default


@posix
def test_processes_that_are_started_are_given_a_folder_they_can_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINIMMUNE_CACHE", str(tmp_path))
    assert usable_folder() == tmp_path
    tmp_path.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="cannot be used"):
        folder = usable_folder()
    assert folder != tmp_path
    assert find_objection(folder) is None
    assert usable_folder() == folder
