"""Points that share an arm of a virtual trial: it is run once, and every point has the bits it would have alone."""

import numpy as np
import pytest

from kinimmune.fitting.problem.problem import predict


@pytest.mark.slow
def test_a_parameter_of_one_study_moves_no_arm_of_another_and_points_keep_their_bits(hcc_problem):
    keys = [item.key for item in hcc_problem.estimated]
    centre, moved = np.zeros(len(keys)), np.zeros(len(keys))
    moved[keys.index("growth:sharp")] = 0.5
    together = predict(hcc_problem, [centre, moved])
    alone = [predict(hcc_problem, [z])[0] for z in (centre, moved)]
    for place in hcc_problem.arms:
        same = together[0][place] is together[1][place]
        assert same == (place[0] != "sharp")
        for one, other in zip(together, alone, strict=True):
            assert np.array_equal(one[place].survival, other[place].survival)
            assert np.array_equal(one[place].detected, other[place].detected)
