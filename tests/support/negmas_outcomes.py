"""Outcomes of NegMAS 0.16.0 sessions (SAOMechanism, one integer issue, both reserves 0, the seller first), as data.

Each entry is (low, high, steps, seller, buyer): (price, step) with steps counted from 1, or None without an agreement.
The seller's utility is (p - low) / (high - low), the buyer's 1 minus it. Negotiators: Boulware-, Linear-,
ConcederTBNegotiator, NaiveTitForTatNegotiator, MiCRONegotiator, ToughNegotiator. Where MiCRO repeats random
offers and the result varies over runs, the cell is left out.
"""

from typing import TypeAlias

Session: TypeAlias = tuple[int, int, int, str, str]
Agreement: TypeAlias = tuple[int, int] | None

NAMES = ("boulware", "linear", "conceder", "tit-for-tat", "micro", "tough")

# rows: the seller, columns: the buyer, both in the order of NAMES
GRIDS: dict[tuple[int, int, int], str] = {
    (0, 100, 10): """
        44@10 72@9  85@7  44@10 -     -
        27@9  46@6  72@4  46@6  -     -
        11@7  27@4  46@1  23@4  7@9   -
        56@10 54@7  72@4  -     -     -
        -     -     92@9  -     -     -
        -     -     -     -     -     -
    """,
    (0, 100, 100): """
        50@85 72@74 87@61 50@85 41@89 -
        27@74 50@51 72@29 50@51 50@51 -
        12@61 27@29 49@7  49@7  26@31 -
        50@86 50@52 51@7  -     50@52 -
        59@89 50@52 *     *     50@51 -
        -     -     -     -     -     -
    """,
    (8, 20, 10): """
        13@10 16@9  18@8  13@10 12@10 -
        11@9  14@6  16@4  14@6  13@7  -
        9@8   11@4  14@1  11@4  11@4  -
        15@10 14@7  16@4  -     14@8  -
        16@10 14@7  17@4  *     14@7  -
        -     -     -     -     -     -
    """,
    (8, 20, 100): """
        14@85 17@76 18@65 14@85 14@85 -
        11@76 14@51 17@32 14@51 14@51 -
        10@65 11@32 14@7  14@7  13@12 -
        14@86 14@52 14@8  -     14@8  -
        *     *     15@13 *     14@7  -
        -     -     -     -     -     -
    """,
    (0, 100, 20): """
        47@18 71@16 86@13 47@18 *     -
        26@16 48@11 72@6  48@11 *     -
        12@13 27@6  46@2  34@4  *     -
        53@19 52@12 61@4  -     *     -
        *     *     *     *     *     -
        -     -     -     -     -     -
    """,
}  # fmt: skip


def _cells() -> dict[Session, Agreement]:
    cells: dict[Session, Agreement] = {}
    for (low, high, steps), grid in GRIDS.items():
        for seller, row in zip(NAMES, grid.split("\n")[1:], strict=False):
            for buyer, cell in zip(NAMES, row.split(), strict=True):
                if cell != "*":
                    price, _, step = cell.partition("@")
                    cells[low, high, steps, seller, buyer] = (int(price), int(step)) if step else None
    return cells


AGREEMENTS: dict[Session, Agreement] = _cells()

# offers in order, seller first, of two sessions on 0..100 with 10 steps
LINEAR_LINEAR = (91, 9, 82, 18, 73, 27, 64, 36, 55, 45, 46)
TIT_FOR_TAT_BOULWARE = (100, 0, 99, 0, 99, 0, 100, 1, 99, 4, 96, 8, 92, 16, 84, 27, 73, 44, 56)
