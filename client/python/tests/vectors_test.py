"""Bundles of vectors and towers, without PyTorch."""
from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

import tributary
from tributary import towers

np = pytest.importorskip("numpy")
ITEMS = [f"v{i}" for i in range(300)]
USERS = list(range(1000, 1040))
DIM = 12


def write(out: pathlib.Path, **changed: Any) -> tributary.Bundle:
    draw = np.random.default_rng(3)
    arguments: dict[str, Any] = {
        "items": ITEMS, "users": USERS,
        "vectors": {"taste": draw.standard_normal((len(ITEMS), DIM))},
        "user_vectors": {"taste": draw.standard_normal((len(USERS), DIM))},
        "popularity": {item: float(i) for i, item in enumerate(ITEMS)},
        "attributes": {"item": ITEMS, "price": [i / 2 for i in range(300)]},
        "interactions": {"user": USERS, "item": ITEMS[:len(USERS)]},
        "progress": None, **changed}
    return tributary.write_bundle(out, **arguments)


def test_vectors_are_searched(tmp_path: pathlib.Path) -> None:
    draw = np.random.default_rng(3)
    items = draw.standard_normal((len(ITEMS), DIM))
    users = draw.standard_normal((len(USERS), DIM))
    made = write(tmp_path)
    assert made.manifest["items"]["kind"] == "UTF8"
    assert made.manifest["users"]["kind"] == "UINT64"
    with tributary.serve(made) as client:
        reply = client.retrieve(1005, k=10, quotas={"taste": 10},
                                where="price < 100", include_seen=True)
        best = np.argsort(-(items[:200] @ users[5]))[:10]
        assert list(reply.items) == [ITEMS[i] for i in best]
        assert client.retrieve(k=1, quotas={"popularity": 1}).items == ["v299"]
        # A vector of NumPy, as a query.
        by_vector = client.retrieve(k=1, vectors={"taste": items[7]},
                                    quotas={"taste": 1})
        assert len(by_vector) == 1


def test_shapes_that_do_not_fit(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"vectors\['taste'\]: 3 rows, but there "
                       "are 300 keys"):
        write(tmp_path, vectors={"taste": np.zeros((3, DIM))})
    with pytest.raises(ValueError, match="expected two dimensions"):
        write(tmp_path, vectors={"taste": np.zeros(300)})
    with pytest.raises(TypeError, match="all int or all str"):
        write(tmp_path, items=[1] + ITEMS[1:])
    with pytest.raises(ValueError, match="there are vectors of users"):
        write(tmp_path, users=None)
    with pytest.raises(tributary.ProgramError, match="row 0 has NaN"):
        write(tmp_path, vectors={"taste": np.full((300, DIM), np.nan)})
    assert not list(tmp_path.iterdir())


def test_vectors_beside_tables(tmp_path: pathlib.Path) -> None:
    from conftest import FAST, interaction_columns, item_columns
    draw = np.random.default_rng(3)
    keys = item_columns()["item"]
    made = tributary.build(
        interaction_columns(), items=item_columns(), out=tmp_path, progress=None,
        validation_share=0, vectors=tributary.Vectors(
            keys, {"clip": draw.standard_normal((len(keys), 6))}), **FAST)
    assert {"clip", "behavior"} <= set(made.sources)


def tower(pooling: towers.Pooling, **changed: Any) -> towers.Tower:
    draw = np.random.default_rng(4)
    layers = [
        towers.Layer("LINEAR", draw.standard_normal((20, DIM)).astype("f4"),
                     draw.standard_normal(20).astype("f4")),
        towers.Layer("RELU"),
        towers.Layer("LINEAR", draw.standard_normal((DIM, 20)).astype("f4"),
                     draw.standard_normal(DIM).astype("f4")),
        towers.Layer("L2_NORMALIZE")]
    return towers.Tower(**{
        "history": draw.standard_normal((len(ITEMS), DIM)).astype("f4"),
        "pooling": pooling, "layers": layers, "max_items": 10, **changed})


POOLINGS = {
    "mean": towers.Pooling("DECAYED_MEAN"),
    "decayed": towers.Pooling("DECAYED_SUM", [0.3, 1.1]),
    "attention": towers.Pooling(
        "ATTENTION", weights=np.random.default_rng(5).standard_normal(
            DIM * DIM + 2 * DIM + 10).astype("f4")),
    "gru": towers.Pooling(
        "GRU", weights=np.random.default_rng(6).standard_normal(
            6 * DIM * DIM + 6 * DIM).astype("f4") / 2),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_the_server_runs_the_tower(name: str, tmp_path: pathlib.Path) -> None:
    made_by = tower(POOLINGS[name])
    # Nothing is stored of users: queries come from histories alone. Keys are
    # not ascending, so that rows and positions differ.
    order = list(reversed(ITEMS))
    made = write(tmp_path, items=order, users=None, user_vectors=None,
                 interactions=None, towers={"taste": made_by}, attributes=None)
    golden = [query for query in made.manifest["goldenQueries"]
              if query.get("history")]
    assert len(golden) == 8
    made.verify()
    vectors = np.load(made.path / "taste.items.npy")
    rows = {key: row for row, key in enumerate(sorted(ITEMS))}
    history = ["v5", "v250", "v17", "v99"]
    query = made_by.encode([order.index(key) for key in history])
    with tributary.serve(made) as client:
        reply = client.retrieve(recent=history, k=10, quotas={"taste": 10},
                                full=True)
    # The server's scores are products with the vector that it made.
    for row in reply:
        expected = vectors[rows[row.item]] @ query
        assert row.proposals[0].score == pytest.approx(expected, abs=1e-4)
    assert [row.item for row in reply] == [
        key for key in sorted(ITEMS, key=lambda key: -(
            vectors[rows[key]] @ query)) if key not in history][:10]


def test_a_stored_context_is_an_input(tmp_path: pathlib.Path) -> None:
    draw = np.random.default_rng(8)
    context = draw.standard_normal((len(USERS), 3)).astype("f4")
    with_history = tower(towers.Pooling("DECAYED_MEAN"), context=context, layers=[
        towers.Layer("LINEAR", draw.standard_normal((DIM, DIM + 3)).astype("f4"),
                     np.zeros(DIM, "f4"))])
    made = write(tmp_path, towers={"taste": with_history})
    vectors = np.load(made.path / "taste.items.npy")
    with tributary.serve(made) as client:
        reply = client.retrieve(1007, recent=["v9"], k=3, quotas={"taste": 3},
                                full=True)
    query = with_history.encode([7, 9], context[7])
    rows = {key: row for row, key in enumerate(sorted(ITEMS))}
    for row in reply:
        assert row.proposals[0].score == pytest.approx(
            vectors[rows[row.item]] @ query, rel=1e-4, abs=1e-4)


def test_a_wrong_golden_query_is_refused(tmp_path: pathlib.Path) -> None:
    """`verify` runs the tower: a changed weight does not pass."""
    made = write(tmp_path, towers={"taste": tower(POOLINGS["mean"])})
    other = made.path / "taste.user_tower.0.bias.npy"
    changed = np.load(other) + 0.5
    copy = tmp_path / "copy" / "1"
    copy.mkdir(parents=True)
    for file in made.path.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    np.save(copy / other.name, changed)
    manifest = tributary.Bundle.open(copy).manifest
    for entry in manifest["files"]:
        if entry["name"] == other.name:
            entry.update(towers._entry(copy / other.name))
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(tributary.ProgramError, match="golden"):
        tributary.Bundle.open(copy).verify()


def test_towers_that_do_not_fit(tmp_path: pathlib.Path) -> None:
    mean = POOLINGS["mean"]
    with pytest.raises(ValueError, match="no space 'other', only taste"):
        write(tmp_path, towers={"other": tower(mean)})
    with pytest.raises(ValueError, match="makes 20 values, but the space has 12"):
        write(tmp_path, towers={"taste": tower(mean, layers=tower(
            mean).layers[:2])})
    with pytest.raises(ValueError, match="layer 0 takes 12 values, but gets 5"):
        write(tmp_path, towers={"taste": tower(
            mean, history=np.zeros((300, 5), "f4"))})
    with pytest.raises(ValueError, match="history: 7 rows, but there are 300"):
        write(tmp_path, towers={"taste": tower(
            mean, history=np.zeros((7, DIM), "f4"))})
    with pytest.raises(tributary.UnsupportedModule, match="another vector than"):
        write(tmp_path, towers={"taste": tower(
            mean, model=lambda history, _: np.ones(DIM))})
    with pytest.raises(tributary.UnsupportedModule, match="pooling: 'max'"):
        towers.from_torch(embedding=np.zeros((300, DIM)), pooling="max")
    assert not [path for path in tmp_path.iterdir()]


def test_onnx(tmp_path: pathlib.Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    draw = np.random.default_rng(9)
    weights = {"w1": (20, DIM), "b1": (20,), "w2": (20, DIM), "b2": (1, DIM)}
    constants = [numpy_helper.from_array(
        draw.standard_normal(shape).astype("f4"), name)
        for name, shape in weights.items()]

    def model(nodes: list[Any]) -> Any:
        graph = helper.make_graph(
            nodes, "tower",
            [helper.make_tensor_value_info("x", 1, ["n", DIM])],
            [helper.make_tensor_value_info("y", 1, ["n", DIM])], constants)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    chain = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h1"], transB=1, alpha=0.5,
                         beta=2.0),
        helper.make_node("Relu", ["h1"], ["h2"]),
        helper.make_node("MatMul", ["h2", "w2"], ["h3"]),
        helper.make_node("Add", ["h3", "b2"], ["h4"]),
        helper.make_node("LpNormalization", ["h4"], ["y"], axis=1, p=2)]
    path = tmp_path / "tower.onnx"
    onnx.save(model(chain), str(path))
    embedding = draw.standard_normal((len(ITEMS), DIM))
    made_by = towers.from_onnx(path, embedding=embedding,
                               pooling=towers.Pooling("DECAYED_MEAN", [0.5]))
    assert [layer.kind for layer in made_by.layers] == [
        "LINEAR", "RELU", "LINEAR", "L2_NORMALIZE"]
    # Golden queries come from ONNX's own evaluator.
    made = write(tmp_path / "out", towers={"taste": made_by})
    made.verify()
    with pytest.raises(tributary.UnsupportedModule,
                       match=r"the operator Sigmoid[\s\S]*Gemm"):
        towers.from_onnx(model([helper.make_node("Sigmoid", ["x"], ["y"])]),
                         embedding=embedding)
    with pytest.raises(tributary.UnsupportedModule, match="chain"):
        towers.from_onnx(model([
            helper.make_node("Relu", ["x"], ["h"]),
            helper.make_node("Add", ["h", "x"], ["y"])]), embedding=embedding)
