"""Keypoint HOTA against a slow oracle that follows the definition word by word."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from steadypose.benchmarks.posetrack.keypoint_hota import KeypointHota
from steadypose.benchmarks.posetrack.scenes import scenes
from tests.benchmarks.posetrack.made_up import clip
from tests.benchmarks.posetrack.trees import clips

ALPHAS = np.arange(0.05, 0.99, 0.05)
NAMES = ("HOTA", "DetA", "AssA", "FragA", "FA-HOTA", "DetRe", "DetPr", "AssRe", "AssPr")


def similarity(truth, found, head) -> float:
    if not (np.isfinite(truth).all() and np.isfinite(found).all()):
        return 0.0
    return max(0.0, 1 - np.linalg.norm(truth - found) / head / 0.5001)


def oracle(frames, joint: int, *, aligned: bool, each_alpha: bool = False, whole: bool = False):
    """One joint of one sequence: for each alpha TP, FN, FP and the sums over the matches."""
    table = []
    for scene in frames:
        people = [
            (int(i), scene.truth[n, joint], scene.heads[n]) for n, i in enumerate(scene.truth_ids)
        ]
        predictions = [(int(i), scene.found[n, joint]) for n, i in enumerate(scene.found_ids)]
        pairs = {
            (g, p): similarity(people[g][1], predictions[p][1], people[g][2])
            for g in range(len(people))
            for p in range(len(predictions))
        }
        table.append((people, predictions, pairs))
    truth_length, found_length, shared = (defaultdict(float) for _ in range(3))
    for people, predictions, pairs in table:
        for i, point, _ in people:
            truth_length[i] += np.isfinite(point).all()
        for i, point in predictions:
            found_length[i] += np.isfinite(point).all()
        for (g, p), s in pairs.items():
            union = (
                sum(pairs[g, q] for q in range(len(predictions)))
                + sum(pairs[h, p] for h in range(len(people)))
                - s
            )
            if union > 1e-12:
                shared[people[g][0], predictions[p][0]] += s / union
    results = []
    for alpha in ALPHAS:
        matches, fn, fp = [], 0.0, 0.0
        for people, predictions, pairs in table:
            objects = sum(np.isfinite(point).all() for _, point, _ in people)
            guesses = sum(np.isfinite(point).all() for _, point in predictions)
            if whole and not people:
                fp += sum(found_length.values())
                continue
            if whole and not predictions:
                fn += sum(truth_length.values())
                continue
            score = np.zeros((len(people), len(predictions)))
            for (g, p), s in pairs.items():
                one, other = people[g][0], predictions[p][0]
                if each_alpha:
                    score[g, p] = 1000 * (s >= alpha) + s
                elif aligned:
                    common = shared[one, other]
                    span = truth_length[one] + found_length[other] - common
                    score[g, p] = common / span * s if span else 0
                else:
                    score[g, p] = s
            hits = [
                (people[g][0], predictions[p][0])
                for g, p in zip(*linear_sum_assignment(-score), strict=True)
                if pairs[g, p] >= alpha - 1e-15
            ]
            matches += hits
            fn += objects - len(hits)
            fp += guesses - len(hits)
        results.append(summed(matches, fn, fp, truth_length, found_length))
    return results


def summed(matches, fn, fp, truth_length, found_length):
    sums = {
        "TP": len(matches),
        "FN": fn,
        "FP": fp,
        "AssA": 0.0,
        "FragA": 0.0,
        "AssRe": 0.0,
        "AssPr": 0.0,
    }
    fragments, last = defaultdict(int), {}
    number = defaultdict(int)
    of_match = []
    for person, found in matches:
        if last.get(person) != found:
            number[person] += 1
            last[person] = found
        of_match.append((person, number[person]))
        fragments[person, number[person]] += 1
    for (person, found), fragment in zip(matches, of_match, strict=True):
        tpa = matches.count((person, found))
        union = truth_length[person] + found_length[found] - tpa
        sums["AssA"] += tpa / union
        sums["AssRe"] += tpa / truth_length[person]
        sums["AssPr"] += tpa / found_length[found]
        sums["FragA"] += fragments[fragment] / union
    return sums


def scores_of(sums, mean_over_matches=None):
    tp, fn, fp = sums["TP"], sums["FN"], sums["FP"]
    found = {n: sums[n] / max(tp, 1) for n in ("AssA", "FragA", "AssRe", "AssPr")}
    found |= mean_over_matches or {}
    found |= {
        "DetA": tp / max(tp + fn + fp, 1),
        "DetRe": tp / max(tp + fn, 1),
        "DetPr": tp / max(tp + fp, 1),
    }
    found["HOTA"] = np.sqrt(found["DetA"] * found["AssA"])
    found["FA-HOTA"] = np.sqrt(found["DetA"] * np.sqrt(found["AssA"] * found["FragA"]))
    return found


def added(parts):
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def expected(sequences, rules, averaging, **how):
    """Per joint and total, in percent, as the averaging has it."""
    per_alpha = []
    counts = [[oracle(frames, j, **how) for j in range(15)] for frames in sequences]
    for a in range(len(ALPHAS)):
        joints = [added([s[j][a] for s in counts]) for j in range(15)]
        scores = [scores_of(j) for j in joints]
        if rules == "fixed":
            annotated = [s for s, j in zip(scores, joints, strict=True) if j["TP"] + j["FN"]]
            total = {n: np.mean([s[n] for s in annotated]) if annotated else np.nan for n in NAMES}
        elif averaging == "set":
            total = {n: np.mean([s[n] for s in scores]) for n in NAMES}
        else:
            everything = added(joints)
            weighted = dict.fromkeys(("AssA", "FragA", "AssRe", "AssPr"), 0.0)
            for sequence in counts:
                own = [scores_of(sequence[j][a]) for j in range(15)]
                matched = sum(sequence[j][a]["TP"] for j in range(15))
                for n in weighted:
                    weighted[n] += np.mean([s[n] for s in own]) * matched
            means = {n: v / max(everything["TP"], 1) for n, v in weighted.items()}
            total = scores_of(everything, means)
        per_alpha.append([*scores, total])
    return {
        n: [100 * np.mean([row[column][n] for row in per_alpha]) for column in range(16)]
        for n in NAMES
    }


HOW = {
    ("official", "sequences"): {"aligned": False, "whole": True},
    ("official", "set"): {"aligned": False, "whole": True, "each_alpha": True},
    ("fixed", "sequences"): {"aligned": True},
    ("fixed", "set"): {"aligned": True},
}


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32 - 1))
@pytest.mark.parametrize(("protocol", "averaging"), list(HOW))
def test_equals_the_definition(protocol, averaging, seed):
    rng = np.random.default_rng(seed)
    pairs = [clips(rng, name=f"00000{n}_mpii_test", frames=5, people=4) for n in range(2)]
    rules = "kit" if protocol == "official" else "fixed"
    sequences = [scenes(truth, found, rules) for truth, found in pairs]
    hota = KeypointHota(protocol)
    for frames, (truth, found) in zip(sequences, pairs, strict=True):
        hota.add(frames, truth, found)
    ours = hota.total()[averaging]
    wanted = expected(sequences, protocol, averaging, **HOW[protocol, averaging])
    for name in NAMES:
        joints = np.nan_to_num(ours[name].joints)
        np.testing.assert_allclose(joints, wanted[name][:15], atol=1e-6, err_msg=name)
        assert ours[name].total == pytest.approx(wanted[name][15], abs=1e-6, nan_ok=True), name


def test_people_known_across_clips_are_one_in_the_set():
    """The same person under another id in the second clip costs association in the set alone."""
    place = np.random.default_rng(0).uniform(50, 200, (1, 1, 15, 2)).repeat(4, 0)
    ids = np.ones((4, 1), np.int64)
    hota = KeypointHota("fixed")
    for n, person in enumerate((70, 71)):
        truth = clip(place, ids, f"00000{n}_mpii_test")
        named = replace(truth, persons=replace(truth.persons, person_ids=np.full(4, 9)))
        found = replace(truth, persons=replace(truth.persons, person_ids=np.full(4, person)))
        hota.add(scenes(named, found, "fixed"), named, found)
    total = hota.total()
    assert total["sequences"]["AssA"].total == pytest.approx(100)
    # Of 8 matches each has TPA 4 and FNA 4.
    assert total["set"]["AssA"].total == pytest.approx(50)


def test_a_frame_without_people_counts_as_the_whole_sequence_in_the_official_tool():
    place = np.random.default_rng(0).uniform(50, 200, (1, 1, 15, 2)).repeat(3, 0)
    found = clip(place, np.ones((3, 1), np.int64))
    truth = clip(place, np.array([[1], [-1], [1]]))
    values = {}
    for protocol, rules in (("official", "kit"), ("fixed", "fixed")):
        hota = KeypointHota(protocol)
        hota.add(scenes(truth, found, rules), truth, found)
        values[protocol] = hota.total()["set"]["DetA"].total
    assert values["fixed"] == pytest.approx(100 * 2 / 3)
    assert values["official"] == pytest.approx(100 * 2 / (2 + 3))
