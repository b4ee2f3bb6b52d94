"""The reinforcement learner: losses, the controller, and its learner.

Nothing is imported here: `controller`, `learner` and `losses` need
TensorFlow, and what lists or describes strategies does not.
"""
