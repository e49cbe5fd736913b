"""Chances of progression and response by scan, from sums of diameters that are read with an error at every scan.

Everything below the line `TEMPLATE` is copied into one generated module, together with `scan_window`, which says what one reading
does.  Start with `read_patients`.  Response hangs on the first reading too, so that patients are followed from each of some first
readings.
"""

import math

from kinimmune.models.arrays import Array
from kinimmune.models.kernel.scan_arrays import EDGE, PAD, Criteria, Given, Scratch, Seen
from kinimmune.models.kernel.scan_window import REACH, add_up, advance, is_below, lay, mass_above, read
from kinimmune.models.kernel.vector_math import exponential
from kinimmune.models.kernel.workspace import jit, jit_entry

NOBODY = 1e-10
"""Probability that is not followed any more."""
FEW = 1e-7
"""Probability of a response that is not followed."""

# TEMPLATE


@jit
def divide_at_limit(node: int, edge: Array, scratch: Scratch) -> None:
    """Fill in the share of each node that lies below the limit of response, which is at `node` or above it and below the next."""
    for p in range(scratch.window[1] - scratch.window[0] + 1):
        away = scratch.window[0] + p - node
        scratch.limit[p] = edge[away + EDGE - 1] if -EDGE < away <= EDGE else (1.0 if away < 0 else 0.0)


@jit
def advance_waiting(u: int, small: float, criteria: Criteria, scratch: Scratch) -> None:
    """Carry those who began at one first reading over a scan; whose response it confirms is added to `confirming`.

    `small` is the probability that a reading is small: at or below the limit of response of this first reading.
    """
    none, relapsed, last = scratch.waiting[3 * u], scratch.waiting[3 * u + 1], scratch.waiting[3 * u + 2]
    begun = lay(none, 0, scratch)
    lay(relapsed, 1, scratch)
    lay(last, 2, scratch)
    laid, above, c, count = scratch.laid, scratch.above, criteria.correction, scratch.window[1] - scratch.window[0] + 1
    limit, within, weight, share = scratch.limit, scratch.within, scratch.weight, scratch.share
    for p in range(count):
        share[p] = min(small, scratch.below[p] + within[p]) - scratch.below[p]
    for p in range(count):  # a first small reading is below every one before it
        none[p] = within[p] * laid[0, p + PAD] + weight[p] * (mass_above(p, laid[0], above[0], c) - limit[p] * begun)
    for p in range(count):
        relapsed[p] = (within[p] - share[p]) * (laid[1, p + PAD] + laid[2, p + PAD])
    for p in range(count):
        last[p] = share[p] * laid[1, p + PAD] + weight[p] * (limit[p] * begun + mass_above(p, laid[1], above[1], c))
    for p in range(count):
        scratch.confirming[p] += share[p] * laid[2, p + PAD] + weight[p] * mass_above(p, laid[2], above[2], c)


@jit
def begin(error: float, step: float, scratch: Scratch) -> None:
    """Begin with the first reading."""
    count = math.ceil(REACH * error / step)
    scratch.window[0], scratch.window[1], scratch.scan[2] = -count, count, step
    row = scratch.rows[0]
    for p in range(2 * count + 1):
        z = (p - count) * step / error
        row[p] = exponential(-0.5 * z * z)
    scale = 1.0 / add_up(row, 2 * count + 1)
    for p in range(2 * count + 1):
        row[p] *= scale


@jit
def begin_waiting(course: Array, errors: Array, criteria: Criteria, scratch: Scratch) -> int:
    """Begin with every other node of the first reading from which a response may be seen; return their number."""
    low, step, count = scratch.window[0], scratch.scan[2], 0
    for node in range(scratch.window[1], low - 1, -2):
        weight, until = 2.0 * scratch.rows[0, node - low], -1
        for k in range(course.size):
            if weight * is_below(node * step + criteria.response, course[k], errors[k]) > FEW:
                until = k
        if until >= 0:
            for p in range(scratch.window[1] - low + 1):
                scratch.waiting[3 * count, p] = weight if low + p == node else 0.0
                scratch.waiting[3 * count + 1, p] = scratch.waiting[3 * count + 2, p] = 0.0
            scratch.first[count], scratch.until[count] = node, until
            count += 1
    return count


@jit
def confirm(k: int, patient: int, count: int, given: Given, scratch: Scratch) -> float:
    """Carry all who wait for a response over scan k; return the probability that it confirms one, with its weights in a row."""
    for p in range(scratch.window[1] - scratch.window[0] + 1):
        scratch.confirming[p] = 0.0
    for u in range(count):
        if k <= scratch.until[u]:
            small = is_below(scratch.first[u] * scratch.scan[2] + given.criteria.response, scratch.scan[0], scratch.scan[1])
            divide_at_limit(scratch.first[u] - given.on.limit[patient], given.on.edge[patient], scratch)
            advance_waiting(u, small, given.criteria, scratch)
    total = 0.0
    for p in range(scratch.window[1] - scratch.window[0] + 1):
        scratch.rows[1 + k, p] = scratch.confirming[p]
        total += scratch.confirming[p]
    return total


@jit
def read_branch(path: int, given: Given, scratch: Scratch, seen: Seen) -> None:
    """Read a patient who leaves at the scan that was read last, from the next one on."""
    kept, start, patient = given.after.responder[path], given.after.scan[path], given.after.patient[path]
    low, high = scratch.window[0], scratch.window[1]
    responding = start if kept >= 0 else 0  # whose response is confirmed at the scan of leaving does not count
    for row in range(responding + 1):
        for p in range(high - low + 1):
            scratch.branch[row, p] = scratch.rows[row, p]
    for c in range(responding):
        seen.lasting_after[kept, c, start] = seen.lasting[given.on.responder[patient], c, start]
    last = seen.unseen[patient, start]
    for k in range(start + 1, given.after.error.shape[1]):
        read(given.after.log_diameter[path, k], given.after.error[path, k], given.criteria, scratch)
        left = advance(scratch.branch[0], given.criteria, scratch)
        if left < NOBODY:
            break
        seen.unseen_after[path, k] = min(left, last)
        last = seen.unseen_after[path, k]
        for c in range(responding):
            if seen.lasting_after[kept, c, k - 1] > FEW:
                seen.lasting_after[kept, c, k] = advance(scratch.branch[1 + c], given.criteria, scratch)
    scratch.window[0], scratch.window[1] = low, high


@jit
def read_responses(patient: int, k: int, count: int, given: Given, scratch: Scratch, seen: Seen) -> None:
    """Carry those in response, and those who wait for one, over scan k."""
    kept = given.on.responder[patient]
    for c in range(k):
        if seen.lasting[kept, c, k - 1] > FEW:
            seen.lasting[kept, c, k] = advance(scratch.rows[1 + c], given.criteria, scratch)
    seen.confirmed[patient, k] = confirm(k, patient, count, given, scratch)
    seen.lasting[kept, k, k] = seen.confirmed[patient, k]


@jit_entry
def read_patients(given: Given, scratch: Scratch, seen: Seen) -> None:
    """Fill in what scans see of patients, on the course they begin and on those they leave it for."""
    on = given.on
    for patient in range(on.error.shape[0]):
        begin(on.first_error[patient], on.step[patient], scratch)
        waits = on.responder[patient] >= 0
        count = begin_waiting(on.log_diameter[patient], on.error[patient], given.criteria, scratch) if waits else 0
        path, last = given.after.begin[patient], 1.0  # which no rounding exceeds
        for k in range(on.error.shape[1]):
            read(on.log_diameter[patient, k], on.error[patient, k], given.criteria, scratch)
            left = advance(scratch.rows[0], given.criteria, scratch)
            if left < NOBODY:
                break
            seen.unseen[patient, k] = min(left, last)
            last = seen.unseen[patient, k]
            if waits:
                read_responses(patient, k, count, given, scratch, seen)
            while path < given.after.begin[patient + 1] and given.after.scan[path] == k:
                read_branch(path, given, scratch, seen)
                path += 1
