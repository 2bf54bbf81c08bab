"""Twisted factories and protocols: sockets, deadlines, threads, and the one catch-all.

Thin on purpose: it carries octets to the machines of `wire` and their questions to `delivery`.
"""
