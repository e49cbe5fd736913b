"""The Tab key offers commands, options, models and arms, in bash, zsh and fish, without waiting for what computes."""

import os
import subprocess
import sys

import pytest


def press_tab(shell, line, folder):
    """Return what a shell is offered at the end of a line."""
    words = line.split(" ")
    given = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, "_KINIMMUNE_COMPLETE": f"complete_{shell}", **given}
    command = [sys.executable, "-m", "kinimmune"]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kinimmune sens", "sensitivity"),
        ("kinimmune show gom", "gompertz"),
        ("kinimmune simulate hcc_trial --arm asia_pacific:s", "sorafenib"),
        ("kinimmune fit hcc_trial --stop", "--stop-rule"),
        ("kinimmune report runs/f", "runs/first"),
    ],
)
def test_tab_offers_what_the_line_can_go_on_to(tmp_path, shell, line, offered):
    (tmp_path / "runs" / "first").mkdir(parents=True)

    assert offered in press_tab(shell, line, tmp_path)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_the_shell_is_printed(shell):
    environment = {**os.environ, "_KINIMMUNE_COMPLETE": f"source_{shell}"}
    command = [sys.executable, "-m", "kinimmune"]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert "kinimmune" in done.stdout
    assert f"_KINIMMUNE_COMPLETE=complete_{shell}" in done.stdout
