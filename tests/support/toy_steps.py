"""Tasks of a toy with two parameters, in a module that other processes can import: random walks over a curved valley."""

import logging
import os
import signal
import time
import warnings
from pathlib import Path

import numpy as np

from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.errors import NumericalError


def walk(inputs: Json) -> Json:
    """Go on with a random walk (Metropolis) from a point, by a generator of its own."""
    time.sleep(inputs.get("pause", 0.0))
    rng = np.random.default_rng([inputs["seed"], inputs["block"]])
    mixing = rng.standard_normal((96, 96))
    mixing = mixing @ mixing.T  # so much that a BLAS with more threads would sum in another order
    point = np.array(inputs["point"])
    for shift, level in zip(0.1 * (mixing[:20, :2] / 10.0), np.log(rng.random(20)), strict=True):
        if level < height(point + shift) - height(point):
            point = point + shift
    outcome = {"point": point.tolist(), "height": height(point)}
    if inputs["block"] == 1:
        outcome["failures"] = [{"what": "block", "reason": "it is the second, and tells so"}]
    return outcome


def height(point: np.ndarray) -> float:
    """Return the logarithm of the density, the valley of Rosenbrock turned over."""
    return -float((1.0 - point[0]) ** 2 + 10.0 * (point[1] - point[0] ** 2) ** 2)


def walks(count: int, blocks: int, pause: float) -> list[TaskChain]:
    """Return some walks, each a chain of blocks."""

    def task(seed: int, block: int, point: list[float]) -> Task:
        inputs = {"seed": seed, "block": block, "point": point}
        return Task(WALK, f"toy-{seed}-{block:03d}", inputs, {"pause": pause})

    def follow(last: Task, outcome: Json) -> Task | None:
        block = last.inputs["block"] + 1
        return task(last.inputs["seed"], block, outcome["point"]) if block < blocks else None

    return [TaskChain(task(seed, 0, [0.0, 0.0]), follow) for seed in range(count)]


def tell_process(inputs: Json) -> Json:
    """Return the number of the process, and whether it can be interrupted."""
    time.sleep(inputs.get("pause", 0.0))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return {"process": os.getpid(), "deaf": {signal.SIGINT, signal.SIGTERM} <= blocked}


def count_blas_threads(_inputs: Json) -> Json:
    """Return the most threads a BLAS would take."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return {"threads": max(item["num_threads"] for item in threadpool_info() if item["user_api"] == "blas")}


def die(inputs: Json) -> Json:
    """End the process as the system does when memory runs out."""
    time.sleep(inputs.get("pause", 0.0))
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def die_once(inputs: Json) -> Json:
    """End the process the first time; the second time be done."""
    marker = Path(inputs["marker"])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"done": True}


def refuse(inputs: Json) -> Json:
    """Raise an error of this package."""
    time.sleep(inputs.get("pause", 0.0))
    raise NumericalError(f"task {inputs['number']} cannot be done")


def divide(inputs: Json) -> Json:
    """Raise an error of Python for 0."""
    return {"value": 1.0 / inputs["number"]}


def same(inputs: Json) -> Json:
    """Return what was given."""
    return dict(inputs)


def warn(inputs: Json) -> Json:
    """Warn as libraries do, through both of Python's ways."""
    warnings.warn("a root of a negative number", RuntimeWarning, stacklevel=1)
    logging.getLogger("a.library").warning("a log of a library")
    return {"number": inputs["number"], "process": os.getpid()}


WALK = TaskFunction("toy.walk", walk)
WARN = TaskFunction("toy.warn", warn)
TELL_PROCESS = TaskFunction("toy.tell_process", tell_process)
COUNT_BLAS_THREADS = TaskFunction("toy.count_blas_threads", count_blas_threads)
DIE = TaskFunction("toy.die", die)
DIE_ONCE = TaskFunction("toy.die_once", die_once)
REFUSE = TaskFunction("toy.refuse", refuse)
DIVIDE = TaskFunction("toy.divide", divide)
