"""Every threshold of the tracker, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from steadypose.errors import ConfigError

_SHARES = (
    "confident_score",
    "weak_score",
    "birth_score",
    "start_score",
    "poor_pose_share",
    "doubtful_pose_share",
    "duplicate_oks",
    "follow_duplicate_oks",
    "duplicate_iou",
    "box_weight",
    "match_similarity",
    "follow_match_similarity",
    "weak_match_similarity",
    "lost_match_preference",
    "stranger_looks",
    "lost_looks",
    "appearance_rate",
    "alone_iou",
    "liveliness_rate",
)
_NOT_NEGATIVE = (
    "start_s",
    "follow_s",
    "hold_s",
    "ask_again_s",
    "certainty_power",
    "confirm_score",
    "direction_weight",
    "appearance_weight",
    "reunion_reach",
    "reunion_speed",
)
_COUNTS = ("confirm_hits", "few_joints")


@dataclass(frozen=True, kw_only=True)
class TrackerSettings:
    """Thresholds of :class:`PoseTracker`; the defaults suit people at 6 to 60 frames/s.

    Lengths are in person sizes, the square root of the area of the person's box, so that settings
    hold at any resolution and distance. Scores and similarities are in 0..1.

    Attributes:
        confident_score: Person score from which an observation takes part in the first round.
        weak_score: Person score below which a detection is ignored; between the two scores it can
            only continue a track, in the second round.
        birth_score: Person score from which an unexplained detection begins a track.
        start_score: Person score from which a birth in the first ``start_s`` is confirmed at once.
        start_s: Length of that first period after a start or a reset, in seconds.
        confirm_hits: Observations after which a track is confirmed and gets its id; with 1, every
            birth is confirmed at once.
        confirm_score: Sum of person scores that a track needs besides, so that the weaker the
            detections are, the more of them it takes; not asked of a track that needs one hit.
        output_unconfirmed: Whether ``update`` also returns people without an id yet
            (``NO_TRACK``), e.g. to measure the poses alone.
        lost_s: Seconds unseen after which a track ends. A jump of the clock by more than this, in
            either direction, ends them all.
        prior_fade_s: Time constant in seconds with which the joint scores of the predictions fade
            while a person is lost for longer than ``follow_s``.
        follow_s: Seconds unseen up to which a crop at the predicted box is worth its cost; after
            an observation it always is, however long the next frame takes to come.
        hold_s: Seconds since the last observation up to which a held pose, the track's own
            prediction, keeps the track from being lost.
        ask_again_s: Least time in seconds between two requests for a detection by one track.
        poor_pose_share: Share of a track's usual mean joint score below which a pose found between
            detections is a miss.
        doubtful_pose_share: Share of a track's usual mean joint score below which its pose is
            doubtful and a detection is asked for.
        duplicate_oks: OKS above which two poses are the same person; with joints weighted by their
            scores, also that above which a pose is part of a tracked person and begins no track.
        follow_duplicate_oks: The same where a detector did not find both: a pose found in the
            predicted box of somebody hidden is often that of whoever hides them.
        duplicate_iou: Box IoU above which two people without comparable joints are the same.
        box_weight: Weight of the box IoU in the similarity; the pose has the rest of 1.
        direction_weight: Weight, added to these, of the direction of motion where it is plain.
        appearance_weight: Weight, added to these, of the looks where they are known.
        stranger_looks: Cosine of the looks of two people who have nothing in common; it depends
            on the descriptor (0 to below 1).
        lost_looks: Least cosine at which somebody may be who was lost for longer than ``follow_s``
            and whose looks are known.
        appearance_rate: Share of the newest look in a track's memory.
        alone_iou: Box IoU with another person above which nothing is learnt of a person's looks.
        few_joints: Number of shared joints at which the pose has half of its weight.
        pose_tolerance: Distance at which a joint counts as near, in units of its OKS spread.
        certainty_power: How much a track that is uncertain of its joints yields to a certain one;
            1 as the height of a normal distribution does, 0 not at all.
        growth_tolerance: Standard deviation of the logarithm of an observed size against the
            predicted one.
        match_similarity: Least similarity of a match in the first round.
        follow_match_similarity: Least similarity of a match between detections.
        weak_match_similarity: Least similarity of a match with a weak observation.
        lost_match_preference: Least preference, similarity less what the track loses for its
            uncertainty, of a match with a track that is lost for longer than ``follow_s``.
        reunion_reach: Standard deviation in person sizes of the distance from a lost track's
            prediction at which a new track is taken for the same person.
        reunion_speed: What it grows by for each second unseen, person sizes per second.
        reunion_growth: Standard deviation of the logarithm of the size of such a person.
        joint_noise: Standard deviation of an observed joint, in units of its OKS spread.
        box_noise: Standard deviation of an observed box's centre and size, in person sizes.
        joint_acceleration: Root of the spectral density of a joint's white acceleration, in
            person sizes per s^1.5.
        centre_acceleration: The same for the centre of the box.
        size_acceleration: The same for the box's width and height.
        liveliness_rate: How fast a track's own factor of these accelerations is learnt, per
            observation; 0 keeps it at 1.
        calmest: Least such factor, on the squared accelerations.
        liveliest: Largest such factor.
        start_speed: Standard deviation of an unknown speed, in person sizes per second.
        swing_memory_s: Time constant in seconds with which a joint's predicted speed relative to
            the body, and that of the box's size, fades.
        walk_memory_s: The same for the speed of the box's centre.
        forget_joint_size: Predicted standard deviation in person sizes above which an unseen
            joint is missing again.

    Raises:
        ConfigError: A value is out of its range.
    """

    confident_score: float = 0.4
    weak_score: float = 0.1
    birth_score: float = 0.4
    start_score: float = 0.5
    start_s: float = 0.5
    confirm_hits: int = 2
    confirm_score: float = 1.3
    output_unconfirmed: bool = False
    lost_s: float = 4.0
    prior_fade_s: float = 0.5
    follow_s: float = 0.25
    hold_s: float = 0.5
    ask_again_s: float = 0.5
    poor_pose_share: float = 0.4
    doubtful_pose_share: float = 0.6
    duplicate_oks: float = 0.75
    follow_duplicate_oks: float = 0.55
    duplicate_iou: float = 0.85
    box_weight: float = 0.3
    direction_weight: float = 0.1
    appearance_weight: float = 0.3
    stranger_looks: float = 0.5
    lost_looks: float = 0.75
    appearance_rate: float = 0.1
    alone_iou: float = 0.2
    few_joints: int = 2
    pose_tolerance: float = 1.0
    certainty_power: float = 0.5
    growth_tolerance: float = 0.5
    match_similarity: float = 0.15
    follow_match_similarity: float = 0.4
    weak_match_similarity: float = 0.35
    lost_match_preference: float = 0.15
    reunion_reach: float = 0.3
    reunion_speed: float = 0.5
    reunion_growth: float = 0.25
    joint_noise: float = 0.4
    box_noise: float = 0.05
    joint_acceleration: float = 1.5
    centre_acceleration: float = 0.8
    size_acceleration: float = 0.4
    liveliness_rate: float = 0.1
    calmest: float = 0.25
    liveliest: float = 4.0
    start_speed: float = 1.5
    swing_memory_s: float = 0.15
    walk_memory_s: float = 1.0
    forget_joint_size: float = 0.25

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name))
        if self.stranger_looks >= 1:
            raise _error("stranger_looks", "a number below 1", self.stranger_looks)
        if not self.calmest <= 1 <= self.liveliest:
            raise _error("calmest", "at most 1, and liveliest at least 1", self.calmest)
        if self.weak_score > self.confident_score:
            raise _error(
                "weak_score", f"at most confident_score ({self.confident_score})", self.weak_score
            )
        if self.birth_score < self.confident_score:
            raise _error(
                "birth_score",
                f"at least confident_score ({self.confident_score})",
                self.birth_score,
            )


def _check(name: str, value: object) -> None:
    if name == "output_unconfirmed":
        if not isinstance(value, bool):
            raise _error(name, "true or false", value)
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _error(name, "a finite number", value)
    if name in _SHARES:
        if not 0 <= value <= 1:
            raise _error(name, "a number in 0..1", value)
    elif name in _COUNTS:
        if value != int(value) or value < 1:
            raise _error(name, "a whole number of 1 or more", value)
    elif name in _NOT_NEGATIVE:
        if value < 0:
            raise _error(name, "a number of 0 or more", value)
    elif value <= 0:
        raise _error(name, "a number above 0", value)


def _error(name: str, expected: str, got: object) -> ConfigError:
    return ConfigError(f"tracker setting '{name}': expected {expected}, got {got}")
