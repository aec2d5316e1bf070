"""How observations differ from the truth: every rate and width of the simulation, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What a detector and a pose estimator do to people.

    Times are in seconds, so that a lower frame rate sees the same world less often. Lengths are in
    person sizes (root of the box's area) or, where said, in units of a joint's OKS spread
    ``2 sigma sqrt(0.53 area)``. A person is *covered* by the share of the box that lies behind the
    box of somebody whose box ends lower in the picture, and who so stands nearer.

    Attributes:
        miss_rate: How often a person vanishes, per second.
        miss_s: Mean length of that, seconds.
        covered_miss_rate: How often one who is wholly covered does, per second; in proportion.
        covered_miss_s: Mean length of that where the person stays covered, seconds.
        flicker: Share of single observations that are missing besides.
        joint_miss: Share of joints that are missing.
        covered_joint_miss: The same of joints within the box of somebody nearer.
        covered_joint_theft: Share of those that lie on the nearer person's joint instead.
        gross: Share of joints that lie anywhere within ``gross_size``.
        gross_size: Standard deviation of those, person sizes.
        inversion: Share of people whose left and right legs, or arms, are taken for each other.
        jitter: Standard deviation of a joint, OKS spreads.
        jitter_s: Memory of half of its variance, seconds: errors last.
        quality_spread: Spread of the logarithm of a person's jitter, which lasts as long.
        covered_jitter: Factor of the jitter of a wholly covered person, in proportion.
        box_jitter: Standard deviation of the box's centre and of the logarithm of its sides.
        duplicate: Share of people who are found twice.
        ghost_rate: False people per second, for each true one in the picture and one more.
        ghost_s: Mean length of their stay, seconds.
        ghost_score: Mean score of theirs.
        score_noise: Standard deviation of the noise of all scores.
    """

    miss_rate: float = 0.15
    miss_s: float = 0.4
    covered_miss_rate: float = 3.0
    covered_miss_s: float = 0.8
    flicker: float = 0.03
    joint_miss: float = 0.08
    covered_joint_miss: float = 0.3
    covered_joint_theft: float = 0.15
    gross: float = 0.02
    gross_size: float = 0.25
    inversion: float = 0.02
    jitter: float = 0.3
    jitter_s: float = 0.2
    quality_spread: float = 0.4
    covered_jitter: float = 2.0
    box_jitter: float = 0.04
    duplicate: float = 0.03
    ghost_rate: float = 0.15
    ghost_s: float = 0.25
    ghost_score: float = 0.3
    score_noise: float = 0.1
