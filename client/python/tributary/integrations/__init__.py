"""Adapters for other projects. Each needs the package that it adapts to.

  feast          an online store of Feast whose documents a server retrieves
  vectordbbench  a database of VectorDBBench
"""
