"""What a fit tells of correlations between numbers that share patients, and keeps of them for all that is built on it.

Start with `Whitening`.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.correlation import CorrelatedBlock, Row, digest_correlations


@dataclass(frozen=True)
class BlockSummary:
    """The correlations of a study and how they came about."""

    block: CorrelatedBlock
    scatter: tuple[float, ...]
    """Standard deviation of each signed residual over drawn trials: 1 where the error stated is that of a trial of this size."""
    condition_number: float
    """Largest over smallest eigenvalue of the correlations."""
    shrinkage: float
    """Share by which correlations were drawn to 0."""
    draws: int
    """Drawn trials that printed every number."""
    incomplete: int
    """Drawn trials left out: in them a median was not reached, or some other number was none."""

    @property
    def strongest(self) -> tuple[Row, Row, float]:
        """The two residuals that correlate most, and their correlation."""
        matrix = self.block.matrix - np.eye(len(self.block.rows))
        one, other = divmod(int(np.abs(matrix).argmax()), len(self.block.rows))
        return self.block.rows[one], self.block.rows[other], float(matrix[one, other])


@dataclass(frozen=True)
class Whitening:
    """The correlations by which a fit made its residuals independent."""

    digest: str
    """Of the blocks: whatever is built on the fit takes the same."""
    condition_number: float
    """The largest of the blocks."""
    blocks: tuple[BlockSummary, ...]
    """One a study whose numbers share patients in a way that matters."""

    @property
    def correlations(self) -> tuple[CorrelatedBlock, ...]:
        """The correlations of each study, as a problem takes them."""
        return tuple(item.block for item in self.blocks)

    @property
    def is_whole(self) -> bool:
        """Whether the digest is that of the blocks."""
        return self.digest == digest_correlations(self.correlations)


def describe_whitening(blocks: tuple[BlockSummary, ...]) -> Whitening | None:
    """Return what a fit tells of its correlations; None where it took none into account."""
    if not blocks:
        return None
    digest = digest_correlations([item.block for item in blocks])
    return Whitening(digest, max(item.condition_number for item in blocks), blocks)


def describe_row(row: Row) -> str:
    """Return the name of a residual: its target's, with the interval where there are several.

    >>> describe_row(("hazard_ratio:sharp:os", 0)), describe_row(("curve:sharp:placebo:os", 2))
    ('hazard_ratio:sharp:os', 'interval 3 of curve:sharp:placebo:os')
    """
    label, place = row
    return f"interval {place + 1} of {label}" if label.split(":")[0] in ("curve", "patients") else label
