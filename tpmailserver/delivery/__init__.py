"""Policy: who may log in, who may receive, what is stamped on a message.

This room answers with values, knows no reply code, and imports no Twisted: its coroutines await
the threads that they are given.
"""
