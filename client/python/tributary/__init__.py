"""Tributary, the retrieval stage of a recommender, from Python.

    import tributary

    bundle = tributary.build(interactions, items=items, out="bundles")
    with tributary.serve(bundle) as client:
        print(client.retrieve("ann", k=10).to_pandas())

`Client` and `aio.Client` ask a server for candidates. `build` and
`write_bundle` make bundles of tables and of vectors, `evaluate` judges them, and
`serve` starts a server for a notebook or a test. `tributary.towers` takes user
towers from PyTorch and ONNX. The messages of the protos are in `tributary.v1`.
"""

from tributary import aio
from tributary.building import (Bundle, Evaluation, build, evaluate, understand,
                                write_bundle)
from tributary.client import Client
from tributary.connection import Connection
from tributary.errors import (CallError, Cancelled, DeadlineExceeded,
                              FieldViolation, FilterShort, InvalidRequest,
                              MissingExtra, NotFound, Overloaded, PageExpired,
                              PermissionDenied, ProgramError, TableError,
                              TributaryError, Unauthenticated, Unavailable,
                              Unimplemented, UnsupportedModule)
from tributary.reply import (Candidate, Entry, Explanation, Proposal, Reply,
                             SourceReport)
from tributary.request import (Decay, Diversity, Key, Quota, Request,
                               SpaceQuery)
from tributary.serving import ServedClient, serve
from tributary.vectors import Vectors

__all__ = [
    "Bundle", "CallError", "Cancelled", "Candidate", "Client", "Connection",
    "DeadlineExceeded", "Decay", "Diversity", "Entry", "Evaluation",
    "Explanation", "FieldViolation", "FilterShort", "InvalidRequest", "Key",
    "MissingExtra", "NotFound", "Overloaded", "PageExpired", "PermissionDenied",
    "ProgramError", "Proposal", "Quota", "Reply", "Request", "ServedClient",
    "SourceReport", "SpaceQuery", "TableError", "TributaryError",
    "Unauthenticated", "Unavailable", "Unimplemented", "UnsupportedModule",
    "Vectors", "aio", "build", "evaluate", "serve", "understand",
    "write_bundle"]
