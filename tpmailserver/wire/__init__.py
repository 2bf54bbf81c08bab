"""The protocols without a network: octets in, questions and octets out.

Syntax, order and replies live in this room and nowhere else. A machine knows no socket, no file
and no account; whatever needs one of these it asks, one question at a time.
"""
