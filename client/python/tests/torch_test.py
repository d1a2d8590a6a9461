"""Towers of PyTorch: what the server makes equals what the module makes."""
from __future__ import annotations

import pathlib
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

import tributary  # noqa: E402
from torch import nn  # noqa: E402
from tributary import torch_towers, towers  # noqa: E402

ITEMS = list(range(500, 750))
DIM = 16


def layers() -> nn.Module:
    return nn.Sequential(
        nn.Linear(DIM, 32), nn.ReLU(), nn.Dropout(0.5),
        nn.Sequential(nn.Linear(32, 8, bias=False)), torch_towers.L2Normalize())


POOLINGS: dict[str, Any] = {
    "mean": lambda: torch_towers.DecayedMean(),
    "decayed": lambda: torch_towers.DecayedSum([0.2, 0.9]),
    "attention": lambda: torch_towers.Attention(DIM, 20),
    "gru": lambda: nn.GRU(DIM, DIM, batch_first=True),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_the_server_makes_what_the_module_makes(name: str,
                                                tmp_path: pathlib.Path) -> None:
    torch.manual_seed(3)
    module = torch_towers.HistoryTower(
        nn.Embedding(len(ITEMS), DIM), POOLINGS[name](), layers(), max_items=20)
    # A few steps of training, so that no weight is what it was.
    items = nn.Parameter(torch.randn(len(ITEMS), 8))
    optimizer = torch.optim.Adam([*module.parameters(), items], 0.02)
    lengths = torch.randint(1, 21, (64,))
    histories = torch.randint(len(ITEMS), (64, 20))
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(
            module(histories, lengths) @ items.T,
            torch.randint(len(ITEMS), (64,)))
        loss.backward()
        optimizer.step()
    # Padding does not count.
    module.eval()
    with torch.no_grad():
        for i in (0, 1, 2):
            alone = module(histories[i:i + 1, 20 - int(lengths[i]):])
            assert torch.allclose(alone, module(histories, lengths)[i:i + 1],
                                  atol=1e-5)
    module.train()
    made = tributary.write_bundle(
        tmp_path, items=ITEMS, vectors={"taste": items},
        towers={"taste": module.export()}, progress=None)
    assert module.training
    vectors = items.detach().numpy()
    module.eval()
    with tributary.serve(made) as client:
        for history in ([3], [7, 3, 9], list(range(40))):
            reply = client.retrieve(recent=[ITEMS[i] for i in history], k=20,
                                    quotas={"taste": 20}, full=True,
                                    include_seen=True)
            with torch.no_grad():
                query = module(torch.tensor([history]))[0].numpy()
            assert len(reply) == 20
            for row in reply:
                score = vectors[ITEMS.index(row.item)] @ query
                assert abs(row.proposals[0].score - score) < 1e-4


def test_a_model_of_ones_own(tmp_path: pathlib.Path) -> None:
    torch.manual_seed(4)

    class Model(nn.Module):
        """With padding in row 0, and the mean by hand."""

        def __init__(self) -> None:
            super().__init__()
            self.items = nn.Embedding(len(ITEMS) + 1, DIM, padding_idx=0)
            self.mlp = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU(),
                                     nn.Linear(DIM, 8))

        def forward(self, rows: Any) -> Any:
            return self.mlp(self.items(rows).mean(1))

    model = Model().eval()

    def run(history: Any, _: Any) -> Any:
        with torch.no_grad():
            return model(torch.tensor([history]) + 1)

    tower = towers.from_torch(embedding=model.items.weight[1:], pooling="mean",
                              layers=model.mlp, model=run)
    made = tributary.write_bundle(
        tmp_path, items=ITEMS, vectors={"taste": torch.randn(len(ITEMS), 8)},
        towers={"taste": tower}, progress=None)
    made.verify()
    # What the parts do not say is found.
    with pytest.raises(tributary.UnsupportedModule, match="another vector"):
        towers.from_torch(embedding=model.items.weight[1:], pooling="sum",
                          layers=model.mlp, model=run)


def test_unsupported_modules_are_named() -> None:
    def refused(match: str, **arguments: Any) -> None:
        with pytest.raises(tributary.UnsupportedModule, match=match):
            towers.from_torch(**{"embedding": nn.Embedding(9, DIM), **arguments})

    refused(r"layers\[1\]: torch.nn.modules.activation.Tanh[\s\S]*ReLU",
            layers=nn.Sequential(nn.Linear(DIM, 8), nn.Tanh()))
    refused(r"layers\[0\]\[0\]: .*BatchNorm1d",
            layers=nn.Sequential(nn.Sequential(nn.BatchNorm1d(DIM))))
    refused("torch.nn.GRU with num_layers=2",
            pooling=nn.GRU(DIM, DIM, num_layers=2))
    refused("hidden_size=8", pooling=nn.GRU(DIM, 8))
    refused("pooling: .*LSTM", pooling=nn.LSTM(DIM, DIM))
    with pytest.raises(ValueError, match="batch_first"):
        torch_towers.HistoryTower(nn.Embedding(9, DIM), nn.GRU(DIM, DIM))
