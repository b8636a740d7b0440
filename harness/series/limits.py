"""How many false alarms are too many to be chance: arithmetic, for the command line and the report alike."""

from math import comb

FALSE_ALARM_SHARE = 0.05  # what intervals at 95 % promise
_SURE = 0.99


def most_alarms(comparisons: int) -> int:
    """The most false alarms of so many comparisons that a share of 5 % gives with 99 %: 4 of 20, 7 of 50, 11 of 100, 18 of 200.

    The least k with P(Bin(comparisons, 0.05) ≤ k) ≥ 0.99.
    """
    share, below = FALSE_ALARM_SHARE, 0.0
    for alarms in range(comparisons + 1):
        below += comb(comparisons, alarms) * share**alarms * (1 - share) ** (comparisons - alarms)
        if below >= _SURE:
            return alarms
    return comparisons
