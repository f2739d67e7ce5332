"""The only code that knows Microsoft Graph: a reader for planning and a writer for applying."""

from provision.graph.client import Graph, connect
from provision.graph.permissions import PERMISSIONS, Permission
from provision.graph.reader import GraphReader
from provision.graph.writer import GraphWriter

__all__ = ["PERMISSIONS", "Graph", "GraphReader", "GraphWriter", "Permission", "connect"]
