"""`kinimmune doctor`: versions, machine, cache, and whether the parts work here."""

from typing import TYPE_CHECKING

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_json, print_table

if TYPE_CHECKING:
    from kinimmune.cli.self_test import CacheFacts


def doctor(
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test the installation: versions, machine, cache of compiled kernels, and a short self-test."""
    import dataclasses

    from kinimmune.cli.self_test import examine_cache, run_tests
    from kinimmune.fitting.runs.provenance import current_environment
    from kinimmune.models.kernel.store.folder import cache_folder

    environment = current_environment()
    Notes(quiet).say("testing; the first time a kernel is compiled, which takes some seconds")
    tests = run_tests()
    cache = examine_cache(cache_folder())  # with the kernel just compiled
    passed = all(test.passed for test in tests)
    if as_json:
        content = {"schema": "kinimmune.doctor/1", "passed": passed, **dataclasses.asdict(environment)}
        print_json({**content, "cache": dataclasses.asdict(cache), "tests": [dataclasses.asdict(test) for test in tests]})
    else:
        facts = [("python", environment.python), ("system", environment.system), ("cpu", environment.cpu)]
        facts += [*environment.libraries.items(), ("cores", str(cache.cores))]
        facts += [("cache", _describe(cache))]
        print_table("", ("", ""), facts)
        rows = [(test.name, "passed" if test.passed else "FAILED", f"{test.seconds:.2f}", test.detail) for test in tests]
        print_table("Self-test", ("test", "result", "seconds", "detail"), rows, ("seconds",))
    if not passed:
        raise typer.Exit(Exit.NUMERICAL)


def _describe(cache: "CacheFacts") -> str:
    """Return what stands in the table of facts about the cache."""
    parts = [cache.folder, "1 kernel" if cache.kernels == 1 else f"{cache.kernels} kernels"]
    parts += [f"{cache.damaged} damaged, built anew when wanted"] if cache.damaged else []
    parts += [] if cache.writable else ["NOT WRITABLE"]
    parts += [] if cache.used else [f"NOT USED: {cache.reason}"]
    return ", ".join(parts)
