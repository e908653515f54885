"""The only package that imports SpiffWorkflow: it moves the tokens of one process instance, and only that.

`graph.build(diagram)` makes the specs once per definition; `TokenGame` loads, advances and saves one instance's tokens and tells
its host what opened, what closed and what has to be performed. Variables, rows, time and history are the host's.
"""

from engine.spiff.game import Host, Token, TokenGame
from engine.spiff.graph import Graph, build

__all__ = ["Graph", "Host", "Token", "TokenGame", "build"]
