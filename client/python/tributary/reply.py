"""What a server answered, as rows and as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Iterator, Sequence

import grpc

from tributary import errors, extras
from tributary.v1 import explain_pb2, retrieval_pb2 as pb

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from tributary.request import Key


@dataclass(frozen=True)
class Proposal:
    """One source's proposal of a candidate."""

    #: The source's name.
    source: str
    #: The rank in the source's list, from 1; 0 without `full`.
    rank: int = 0
    #: The score that the source gave it; 0 without `full`.
    score: float = 0.0


@dataclass(frozen=True)
class Candidate:
    """One row of a reply."""

    #: The item's key.
    item: Key
    #: Higher is better. Scores of different replies cannot be compared.
    score: float
    #: Which sources proposed it, in order of priority.
    proposals: tuple[Proposal, ...]
    #: What boosts and decay multiplied the score by; 1 without `full`.
    factor: float = 1.0


@dataclass(frozen=True)
class SourceReport:
    """What one source did for a request."""

    name: str
    target: int
    asked: int
    proposed: int
    admitted: int
    shortfall: int
    #: Why there is a shortfall, such as "EXHAUSTED".
    cause: str
    micros: int


class Reply(Sequence[Candidate]):
    """The candidates for one request, best first.

    A reply is a sequence of `Candidate`. The message itself is `proto`, and has
    whatever this class does not name.
    """

    def __init__(self, proto: pb.RetrieveResponse) -> None:
        """Wraps a message.

        Raises:
          CallError: DATA_LOSS, if the columns of the message do not fit
            together.
        """
        self.proto = proto
        _check_columns(proto)

    def __len__(self) -> int:
        return len(self.proto.scores)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.rows)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.items[:3]))
        more = ", ..." if len(self) > 3 else ""
        return f"<Reply of version {self.version}: {shown}{more} ({len(self)})>"

    @property
    def items(self) -> Sequence[Key]:
        """The candidates' keys."""
        return list(self.proto.item_ids) or list(self.proto.item_keys)

    @property
    def scores(self) -> Sequence[float]:
        """The candidates' scores."""
        return list(self.proto.scores)

    @cached_property
    def rows(self) -> tuple[Candidate, ...]:
        """The candidates, with the sources that proposed them."""
        proto = self.proto
        reports = [(1 << bit, report, len(report.ranks) > 0)
                   for bit, report in enumerate(proto.source_reports)]
        factors = list(proto.factors) or [1.0] * len(self)
        rows = []
        for i, (item, score, sources) in enumerate(
                zip(self.items, proto.scores, proto.sources)):
            proposals = tuple(
                Proposal(report.name, report.ranks[i], report.raw_scores[i])
                if full else Proposal(report.name)
                for mask, report, full in reports if sources & mask)
            rows.append(Candidate(item, score, proposals, factors[i]))
        return tuple(rows)

    @property
    def sources(self) -> tuple[SourceReport, ...]:
        """What each source did, in order of priority."""
        return tuple(
            SourceReport(r.name, r.target, r.asked, r.proposed, r.admitted,
                         r.shortfall, pb.ShortfallCause.Name(r.cause), r.micros)
            for r in self.proto.source_reports)

    @property
    def version(self) -> int:
        """The version of the bundle that answered."""
        return self.proto.bundle_version

    @property
    def label(self) -> str:
        """The label by which the version was found; empty for "stable"."""
        return self.proto.bundle_label

    @property
    def profile(self) -> str:
        """The profile that applied; empty: none."""
        return self.proto.profile

    @property
    def degraded(self) -> bool:
        """Whether a source failed or was late."""
        return self.proto.degraded

    @property
    def cold_start(self) -> bool:
        """Whether there was nothing to personalise by."""
        return self.proto.cold_start

    @property
    def unknown_items(self) -> int:
        """How many items of the request the catalogue does not have."""
        return self.proto.unknown_items

    @property
    def notices(self) -> tuple[str, ...]:
        """What could not be done as asked, such as "SEGMENT_UNKNOWN"."""
        return tuple(map(pb.Notice.Name, self.proto.notices))

    @property
    def service_level(self) -> str:
        """What the server left out under overload; "FULL_SERVICE": nothing."""
        return pb.ServiceLevel.Name(self.proto.service_level)

    @property
    def passing_items(self) -> int | None:
        """How many items of the catalogue pass `where`; None without it."""
        return (self.proto.filter.passing_items
                if self.proto.HasField("filter") else None)

    @property
    def relaxed(self) -> tuple[str, ...]:
        """The attributes whose terms of `where` were dropped."""
        return tuple(self.proto.filter.relaxed)

    @property
    def next_page_token(self) -> str:
        """Asks for the next page; empty on the last one."""
        return self.proto.next_page_token

    def to_numpy(self) -> np.ndarray[Any, Any]:
        """Returns a structured array with the fields item, score and sources.

        `item` is uint64, or an object where keys are text; `sources` has bit i
        set where the source `sources[i]` proposed the item. Shape: [len].
        """
        numpy = extras.load("numpy", "numpy", "Reply.to_numpy")
        kind = "O" if self.proto.item_keys else "<u8"
        table = numpy.empty(len(self), dtype=[
            ("item", kind), ("score", "<f4"), ("sources", "<u4")])
        table["item"] = self.items
        table["score"] = self.proto.scores
        table["sources"] = self.proto.sources
        return table  # type: ignore[no-any-return]

    def _columns(self) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {
            "item": list(self.items), "rank": list(range(1, len(self) + 1)),
            "score": list(self.proto.scores),
            "sources": [[p.source for p in row.proposals] for row in self.rows]}
        if self.proto.factors:
            columns["factor"] = list(self.proto.factors)
        for report in self.proto.source_reports:
            if report.ranks:
                columns[f"{report.name}_rank"] = list(report.ranks)
                columns[f"{report.name}_score"] = list(report.raw_scores)
        return columns

    def to_pandas(self) -> pd.DataFrame:
        """Returns a row for each candidate.

        Columns: item, rank, score and sources (a list of names); with `full`
        also factor, and <source>_rank and <source>_score, 0 where the source
        did not propose the item.
        """
        pandas = extras.load("pandas", "pandas", "Reply.to_pandas")
        return pandas.DataFrame(  # type: ignore[no-any-return]
            self._columns())

    def to_arrow(self) -> pa.Table:
        """As `to_pandas`, as a table of Arrow."""
        arrow = extras.load("pyarrow", "arrow", "Reply.to_arrow")
        columns = self._columns()
        fields = [("item", arrow.string() if self.proto.item_keys
                   else arrow.uint64()),
                  ("rank", arrow.uint32()), ("score", arrow.float32()),
                  ("sources", arrow.list_(arrow.string()))]
        fields += [(name, arrow.uint32() if name.endswith("_rank")
                    else arrow.float32()) for name in list(columns)[4:]]
        return arrow.table(columns, schema=arrow.schema(fields))


@dataclass(frozen=True)
class Entry:
    """The answer to one request of several: a reply or an error."""

    #: Which request it answers, from 0.
    index: int
    reply: Reply | None
    error: errors.CallError | None

    def unwrap(self) -> Reply:
        """Returns the reply, or raises the error."""
        if self.error is not None:
            raise self.error
        assert self.reply is not None
        return self.reply


def entries_of(proto: pb.BatchRetrieveResponse, first: int) -> list[Entry]:
    """Converts the entries of a part, the first of which has this index."""
    return [
        Entry(index, None, errors.from_code(entry.code, entry.message))
        if entry.code else Entry(index, Reply(entry.response), None)
        for index, entry in enumerate(proto.entries, first)]


@dataclass(frozen=True)
class Explanation:
    """What became of one item. `proto` has all of it."""

    item: str
    #: Where its way ended, such as "IN_THE_LIST" or "DOES_NOT_PASS".
    verdict: str
    #: The verdict in words, with what would bring the item in.
    sentence: str
    #: Its rank in the list, from 1; 0 if it is not in it.
    rank: int
    #: Its rank among all that was proposed, from 1; 0 if it was not.
    fused_rank: int
    #: A request that returns the item, if one was found.
    remedy: pb.RetrieveRequest | None = field(repr=False)
    proto: explain_pb2.ItemExplanation = field(repr=False)

    @staticmethod
    def of(proto: explain_pb2.ItemExplanation) -> Explanation:
        """Wraps a message."""
        return Explanation(
            proto.item_key, explain_pb2.Verdict.Name(proto.verdict),
            proto.sentence, proto.rank, proto.fused_rank,
            proto.remedy if proto.HasField("remedy") else None, proto)

    def __str__(self) -> str:
        return f"{self.item}: {self.sentence}"


def _check_columns(proto: pb.RetrieveResponse) -> None:
    rows = len(proto.scores)
    columns = [("item_ids and item_keys",
                len(proto.item_ids) + len(proto.item_keys)),
               ("sources", len(proto.sources)),
               ("factors", len(proto.factors) or rows)]
    for report in proto.source_reports:
        columns.append((f"ranks of {report.name}", len(report.ranks) or rows))
        columns.append((f"raw_scores of {report.name}",
                        len(report.raw_scores) or rows))
    for name, entries in columns:
        if entries != rows:
            raise errors.call_error(
                grpc.StatusCode.DATA_LOSS,
                f"{name}: {entries} entries, expected {rows}")
