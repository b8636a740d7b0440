"""`dbharness doctor`: what this machine can run, and how to mend what it can't. Looks only: fetches, starts and asks nothing.

A room for each: ``findings`` the words, ``machine`` what the system gives, ``programs`` what is installed or unpacked,
``surroundings`` what else is there, ``examination`` all of them, and what they mean for each scenario.
"""
