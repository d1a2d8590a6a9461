"""Modules of PyTorch that a bundle's tower can hold exactly.

    tower = tributary.torch_towers.HistoryTower(
        torch.nn.Embedding(len(items), 64), Attention(64, max_items=50),
        torch.nn.Sequential(torch.nn.Linear(64, 32), L2Normalize()))
    ...                                   # train it
    tributary.write_bundle(..., towers={"taste": tower.export()})

Histories are oldest item first. In a batch they are padded in front, and
`lengths` says how many items each has.
"""

from __future__ import annotations

from typing import Any, Sequence

import torch
from torch import Tensor, nn

from tributary import towers


class L2Normalize(nn.Module):
    """x / |x| by the last dimension; zero stays zero."""

    def forward(self, values: Tensor) -> Tensor:
        lengths = values.norm(dim=-1, keepdim=True)
        return values / lengths.clamp_min(torch.finfo(values.dtype).tiny)


class AppendOne(nn.Module):
    """x with a 1 after it, whose partner in item vectors is a bias."""

    def forward(self, values: Tensor) -> Tensor:
        return torch.cat([values, torch.ones_like(values[..., :1])], dim=-1)


def _mask(vectors: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the rank of each item, 0 being the newest, and whether it is no
    padding: [items] and [batch, items]."""
    ranks = torch.arange(vectors.shape[1] - 1, -1, -1, device=vectors.device)
    return ranks, ranks[None] < lengths[:, None]


class _Decayed(nn.Module):
    def __init__(self, decays: Sequence[float] = (0.0,)) -> None:
        super().__init__()
        self.decays = [float(decay) for decay in decays]

    def _norm(self, weights: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """[batch, items, dim] and [batch] to [batch, dim]."""
        ranks, real = _mask(vectors, lengths)
        width = -(-vectors.shape[2] // len(self.decays))
        parts = []
        for part, decay in enumerate(self.decays):
            weights = (1.0 + ranks).pow(-decay)[None] * real
            columns = vectors[:, :, part * width:(part + 1) * width]
            parts.append((weights[:, :, None] * columns).sum(1)
                         / self._norm(weights)[:, None])
        return torch.cat(parts, dim=1)


class DecayedSum(_Decayed):
    """The sum of (1 + rank)^-decay times the vectors, divided by the l2 norm of
    the weights. With n decays, the columns are divided into n parts."""

    def _norm(self, weights: Tensor) -> Tensor:
        return weights.norm(dim=1)


class DecayedMean(_Decayed):
    """The same, divided by the sum of the weights."""

    def _norm(self, weights: Tensor) -> Tensor:
        return weights.sum(1)


class Attention(nn.Module):
    """The sum of softmax(s) times the vectors, where s of an item's vector e is
    score . relu(linear(e)) + rank_bias[rank]."""

    def __init__(self, dim: int, max_items: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)
        self.score = nn.Parameter(torch.randn(dim) / dim**0.5)
        self.rank_bias = nn.Parameter(torch.zeros(max_items))

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """[batch, items, dim] and [batch] to [batch, dim]; at most max_items
        items."""
        ranks, real = _mask(vectors, lengths)
        scores = torch.relu(self.linear(vectors)) @ self.score
        scores = (scores + self.rank_bias[ranks]).masked_fill(~real, -1e30)
        return (scores.softmax(1)[:, :, None] * vectors).sum(1)


class HistoryTower(nn.Module):
    """Embedding, pooling and layers: a whole user tower.

    `pooling` is one of this module's, or a torch.nn.GRU with batch_first=True
    whose hidden size is its input size.
    """

    def __init__(self, embedding: nn.Embedding, pooling: nn.Module,
                 layers: nn.Module | None = None, max_items: int = 100) -> None:
        super().__init__()
        if isinstance(pooling, nn.GRU) and not pooling.batch_first:
            raise ValueError("pooling: a GRU with batch_first=False, expected "
                             "True")
        self.embedding = embedding
        self.pooling = pooling
        self.layers = nn.Identity() if layers is None else layers
        self.max_items = (min(max_items, len(pooling.rank_bias))
                          if isinstance(pooling, Attention) else max_items)

    def forward(self, histories: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Positions of items, [batch, items], padded in front, to [batch, out].

        `lengths`, [batch], says how many items each history has. Default: all.
        """
        histories = histories[:, -self.max_items:]
        if lengths is None:
            lengths = torch.full(histories.shape[:1], histories.shape[1],
                                 device=histories.device)
        lengths = lengths.clamp(max=self.max_items)
        vectors = self.embedding(histories)
        if isinstance(self.pooling, nn.GRU):
            # Packed sequences are padded at the end.
            shifted = torch.stack([
                row.roll(int(length), 0) for row, length in zip(vectors, lengths)])
            packed = nn.utils.rnn.pack_padded_sequence(
                shifted, lengths.cpu(), batch_first=True, enforce_sorted=False)
            pooled = self.pooling(packed)[1][-1]
        else:
            pooled = self.pooling(vectors, lengths)
        made: Tensor = self.layers(pooled)
        return made

    def export(self) -> towers.Tower:
        """Returns the tower for a bundle, which equals this module.

        Raises:
          UnsupportedModule: a layer or the pooling cannot be held by a bundle.
        """
        def encode(history: Sequence[int], _: Any) -> Any:
            was_training = self.training
            self.eval()
            try:
                with torch.no_grad():
                    return self(torch.tensor([list(history)]))[0]
            finally:
                self.train(was_training)

        return towers.from_torch(
            embedding=self.embedding, pooling=self.pooling, layers=self.layers,
            max_items=self.max_items, model=encode)
