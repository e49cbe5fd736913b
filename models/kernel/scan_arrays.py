"""What the loop over scans is given, works in and fills.

Numbers of a patient or path stand side by side, one patient after the other.  Start with `Given`.
"""

from typing import NamedTuple

from kinimmune.models.arrays import Array, Integers

PAD = 4
"""Empty places on either side of a window, so that the rule for the mass above a node needs no ends; length of its correction."""
EDGE = 8
"""Nodes on either side of the limit of response that count as below it in part."""


class Readings(NamedTuple):
    """What is read of n patients at K scans."""

    log_diameter: Array
    """ln of the sum of diameters over the first one, without errors, shape (n, K)"""
    error: Array
    """Standard deviation of the reading of it, shape (n, K)"""
    first_error: Array
    """Standard deviation of the first reading, before treatment, shape (n,)"""
    step: Array
    """Distance of nodes, shape (n,)"""
    limit: Integers
    """Nodes from the first reading down to the first at or below the limit of response, shape (n,)"""
    edge: Array
    """Shares of the nodes beside that limit that lie below it, shape (n, 2 EDGE)"""
    responder: Integers
    """Row of the patient in what is kept of responses, -1 where none may be seen, shape (n,)"""


class Departing(NamedTuple):
    """What is read of patients who go on in another way after a scan, m of them, those of a patient side by side."""

    log_diameter: Array
    """As in `Readings`, used after the scan of leaving, shape (m, K)"""
    error: Array
    """As in `Readings`, shape (m, K)"""
    begin: Integers
    """First path of each patient, and m at the end, shape (n + 1,)"""
    patient: Integers
    """shape (m,)"""
    scan: Integers
    """Scan of leaving (0-based), shape (m,)"""
    responder: Integers
    """Row of the path in what is kept of responses, -1 for none, shape (m,)"""


class Criteria(NamedTuple):
    """What counts as progression and as response, and the rule for the mass above a node."""

    rise: float
    """ln of the ratio to the smallest sum that is progression"""
    increase: float
    """ln of the increase over the first sum that progression needs besides; minus infinity for none"""
    response: float
    """ln of the ratio to the first sum that is response"""
    correction: tuple[float, float, float, float]
    """Weights of the nodes beside a node in the mass above it"""


class Given(NamedTuple):
    """All the loop is given."""

    on: Readings
    after: Departing
    criteria: Criteria


class Seen(NamedTuple):
    """What the loop fills: probabilities, where not 0."""

    unseen: Array
    """No reading up to the scan showed progression, shape (n, K)"""
    confirmed: Array
    """The scan confirms a first response, and no reading up to it showed progression, shape (n, K)"""
    lasting: Array
    """The first scan confirmed a first response, and no reading up to the second showed progression, shape (r, K, K)"""
    unseen_after: Array
    """As `unseen`, after the scan of leaving, shape (m, K)"""
    lasting_after: Array
    """As `lasting`, from the scan of leaving on, confirmed before it, shape (q, K, K)"""


class Scratch(NamedTuple):
    """Where the loop works; a row holds the weights of the nodes of a window."""

    rows: Array
    """By the smallest reading: all who are unseen, then those confirmed at each scan, shape (1 + K, width)"""
    branch: Array
    """The same after leaving, shape (1 + K, width)"""
    waiting: Array
    """Three rows a first reading: who had no small reading yet, who had but not at the last scan, who had there, (3 u, width)"""
    confirming: Array
    """Those whose response a scan confirms, shape (width,)"""
    laid: Array
    """Rows laid into the next window, with `PAD` places on either side, shape (3, width)"""
    above: Array
    """Their mass on the nodes above each, shape (3, width)"""
    below: Array
    """Probability that a reading is below the node, shape (width,)"""
    within: Array
    """Probability that a reading is above the node and shows no progression, shape (width,)"""
    weight: Array
    """Probability that a reading is at the node: density times distance of nodes, shape (width,)"""
    limit: Array
    """Share of the node that lies below the limit of response of one first reading, shape (width,)"""
    share: Array
    """Probability that a small reading is above the node and shows no progression, shape (width,)"""
    first: Integers
    """Node of the first reading of each three rows of `waiting`, shape (u,)"""
    until: Integers
    """Last scan at which any of theirs may be small, shape (u,)"""
    window: Integers
    """Lowest and highest node of the window, then of the one before it, shape (4,)"""
    scan: Array
    """Middle of the reading, its standard deviation, and distance of nodes, shape (3,)"""
