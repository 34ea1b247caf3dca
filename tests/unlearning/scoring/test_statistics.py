"""Statistics that are our own, against those of scipy."""

import pytest

from unlearning.scoring.statistics import student_quantile

special = pytest.importorskip("scipy.special")


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 18, 61, 500])
@pytest.mark.parametrize("p", [0.55, 0.9, 0.975, 0.9999])
def test_student_quantile_is_scipys(freedom: int, p: float) -> None:
    assert student_quantile(freedom, p) == pytest.approx(float(special.stdtrit(freedom, p)), rel=1e-11)


def test_student_quantile_of_the_middle_is_none_and_of_nothing_is_refused() -> None:
    assert student_quantile(3, 0.5) == 0.0
    for freedom, p in ((0, 0.9), (5, 1.0), (5, 0.2)):
        with pytest.raises(ValueError, match="takes freedom"):
            student_quantile(freedom, p)
