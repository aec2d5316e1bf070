"""PoseRefiner: a network that corrects a pose by looking at the picture, the pose and the prior.

After "Learning to Refine Human Pose Estimation" (Fieraru et al., arXiv 1804.07909), with the
track's prediction as a third input. Training needs torch (``pip install steadypose[train]``);
running a trained refiner does not.
"""
