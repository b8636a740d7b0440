"""Gates: what must hold of a run's figures, judged on their intervals; docs/gates.md has every case.

One way through: gates' text (``harness.gate_rules``) and findings.json → which figures (``selecting``) → whether the run may be asked
(``validity``) → each figure against its limit (``limits``) → words and exit code (``evaluate``) → gates.json, junit.xml and the
report's section (``files``).
"""
