"""`kinimmune doctor`: versions, machine, cache, and whether the parts work here."""

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_json, print_table


def doctor(
    seed: options.UnusedSeed = None,
    jobs: options.UnusedJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test the installation: versions, machine, cache of compiled kernels, and a short self-test."""
    import dataclasses

    from kinimmune.cli.self_test import examine_cache, run_tests
    from kinimmune.fitting.runs.provenance import current_environment

    environment, cache = current_environment(), examine_cache()
    Notes(quiet).say("testing; the first time a kernel is compiled, which takes some seconds")
    tests = run_tests()
    passed = all(test.passed for test in tests)
    if as_json:
        content = {"schema": "kinimmune.doctor/1", "passed": passed, **dataclasses.asdict(environment)}
        print_json({**content, "cache": dataclasses.asdict(cache), "tests": [dataclasses.asdict(test) for test in tests]})
    else:
        facts = [("python", environment.python), ("system", environment.system), ("cpu", environment.cpu)]
        facts += [*environment.libraries.items(), ("cores", str(cache.cores))]
        facts += [("cache", f"{cache.folder}, {cache.kernels} kernels{'' if cache.writable else ', NOT WRITABLE'}")]
        print_table("", ("", ""), facts)
        rows = [(test.name, "passed" if test.passed else "FAILED", f"{test.seconds:.2f}", test.detail) for test in tests]
        print_table("Self-test", ("test", "result", "seconds", "detail"), rows, ("seconds",))
    if not passed:
        raise typer.Exit(Exit.NUMERICAL)
