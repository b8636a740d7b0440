"""How figures went over the runs of a store: which changed their level, at which run, and what the manifest says changed there.

Where to look, not a verdict: runs one after the other can't tell a change of the software from one of its surroundings (METHOD: 28 % false
alarms under drift). One way through: runs read and told apart (``runs``) → figures followed over them (``trends``) → words, charts, page.
"""
