"""Measures this server beside its peers; `make bench` is how it is started.

The rule it guards: only ratios within one run count. The servers are driven in turn with the same
tool, round after round, and what is told is the median with its spread.
"""
