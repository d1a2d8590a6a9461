"""User towers: the networks that make a query vector of a user's history.

A server runs the network by itself, without PyTorch. A tower is

    the vectors of the newest `max_items` items of the history, pooled into one
    vector; the user's stored vector (`context`) after it, if there is one; then
    layers: Linear, ReLU, L2 normalisation.

`from_torch` takes the parts of a model of PyTorch, `from_onnx` takes the layers
of an ONNX file, and `write_bundle(..., towers={"space": tower})` puts it into a
bundle. What the server makes equals what your model makes within 1e-4 of the
vector's length: the model itself is run for golden queries, with which the
server checks the tower whenever it loads the bundle.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from tributary import extras, programs
from tributary.building import Bundle
from tributary.errors import UnsupportedModule
from tributary.vectors import as_array, as_keys, key_kind

if TYPE_CHECKING:
    import numpy as np

    from tributary.request import Key

    Array = np.ndarray[Any, Any]

#: Makes a user's vector from the history, as positions in the list of items,
#: oldest first, and from the context, of one dimension, or None.
Encode = Callable[[Sequence[int], "Array | None"], Any]

_GOLDEN = 8
_ANSWERS = 20
# How far the server may be from the model, in units of the vector's length.
_TOLERANCE = 1e-4
_MAX_CONTEXT = 16384

SUPPORTED = """A tower of a bundle can hold:
  poolings of a history: "mean", "sum" (divided by the root of its length),
    tributary.torch_towers.DecayedSum, DecayedMean and Attention, torch.nn.GRU of
    one layer and direction whose hidden size is its input size;
  layers: torch.nn.Linear, ReLU, Dropout and Identity (neither does anything when
    a model is used), Sequential, tributary.torch_towers.L2Normalize and
    AppendOne;
  of ONNX: Gemm, MatMul, Add, Relu, LpNormalization, Dropout, Identity."""


@dataclass(frozen=True)
class Pooling:
    """How the vectors of a history become one."""

    #: A value of HistoryInput.Pooling in manifest.proto.
    kind: str
    decays: Sequence[float] = ()
    #: Trained weights, end to end, as the proto describes them.
    weights: Array | None = field(default=None, repr=False)

    def pool(self, vectors: Array) -> Array:
        """Pools vectors, oldest first, of the shape [items, dim]."""
        numpy = extras.load("numpy", "numpy", "a tower")
        newest_first = vectors[::-1].astype("f8")
        count, dim = newest_first.shape
        if self.kind == "GRU":
            return _run_gru(vectors.astype("f8"), self.weights)
        if self.kind == "ATTENTION":
            assert self.weights is not None
            flat = self.weights.astype("f8")
            matrix = flat[:dim * dim].reshape(dim, dim)
            bias, score, ranks = numpy.split(
                flat[dim * dim:], [dim, 2 * dim])
            scores = numpy.maximum(newest_first @ matrix.T + bias, 0) @ score
            scores += ranks[:count]
            shares = numpy.exp(scores - scores.max())
            return shares @ newest_first / shares.sum()  # type: ignore[no-any-return]
        decays = self.decays or (0.0,)
        width = -(-dim // len(decays))
        pooled = numpy.empty(dim)
        for part, decay in enumerate(decays):
            columns = slice(part * width, (part + 1) * width)
            weights = (1.0 + numpy.arange(count)) ** -decay
            norm = (weights.sum() if self.kind == "DECAYED_MEAN"
                    else numpy.sqrt((weights**2).sum()))
            pooled[columns] = weights @ newest_first[:, columns] / norm
        return pooled  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Layer:
    """A layer: LINEAR, with weights [out, in] and bias [out], RELU,
    L2_NORMALIZE or APPEND_ONE."""

    kind: str
    weights: Array | None = field(default=None, repr=False)
    bias: Array | None = field(default=None, repr=False)

    def apply(self, values: Array) -> Array:
        """Applies the layer to a vector."""
        numpy = extras.load("numpy", "numpy", "a tower")
        if self.kind == "LINEAR":
            assert self.weights is not None and self.bias is not None
            return self.weights @ values + self.bias
        if self.kind == "RELU":
            return numpy.maximum(values, 0)  # type: ignore[no-any-return]
        if self.kind == "APPEND_ONE":
            return numpy.append(values, 1.0)  # type: ignore[no-any-return]
        length = numpy.linalg.norm(values)
        return (
            values / length if length > 0 else values)


@dataclass(frozen=True)
class Tower:
    """A user tower. Make one by `from_torch`, `from_onnx`, or of arrays."""

    #: The vectors of items as parts of a history, [items, dim], in the order of
    #: the bundle's list of items. None: the history is no input.
    history: Array | None
    pooling: Pooling | None
    layers: Sequence[Layer]
    #: How many of the newest items count.
    max_items: int = 100
    #: The stored vectors of users, [users, context_dim], in the order of the
    #: bundle's list of users. None: there are none.
    context: Array | None = None
    #: The context of other users, [context_dim]. Default: zeros.
    default_context: Array | None = None
    #: The model itself, for golden queries. Default: this module's own
    #: arithmetic.
    model: Encode | None = field(default=None, repr=False)

    def encode(self, history: Sequence[int],
               context: Array | None = None) -> Array:
        """Returns a user's vector.

        Args:
          history: positions in the list of items, oldest first.
          context: the user's stored vector. Default: the default context.
        """
        numpy = extras.load("numpy", "numpy", "a tower")
        parts = []
        if self.history is not None:
            assert self.pooling is not None
            newest = list(history)[-self.max_items:]
            if not newest:
                raise ValueError("history: empty, and the tower has no other "
                                 "input for it")
            parts.append(self.pooling.pool(self.history[newest]))
        if self.context is not None:
            parts.append(numpy.asarray(
                self.fallback_context if context is None else context, "f8"))
        values = numpy.concatenate(parts)
        for layer in self.layers:
            values = layer.apply(values)
        return values  # type: ignore[no-any-return]

    @property
    def fallback_context(self) -> Array:
        """The context of users without a stored one."""
        numpy = extras.load("numpy", "numpy", "a tower")
        assert self.context is not None
        if self.default_context is None:
            return numpy.zeros(self.context.shape[1])  # type: ignore[no-any-return]
        return numpy.asarray(self.default_context)  # type: ignore[no-any-return]


def from_torch(*, layers: Any = None, embedding: Any = None,
               pooling: Any = "mean", context: Any = None,
               default_context: Any = None, max_items: int | None = None,
               model: Callable[..., Any] | None = None) -> Tower:
    """Makes a tower of the parts of a PyTorch model.

    Args:
      layers: a module, such as a Sequential; None: there are none.
      embedding: the items' vectors in a history: a torch.nn.Embedding or a
        tensor, [items, dim]. A row for padding must be left out, as in
        embedding.weight[1:]. None: the history is no input.
      pooling: "mean", "sum", or a module; `SUPPORTED` lists them.
      context: the users' stored vectors, [users, context_dim], if they are an
        input.
      default_context: that of other users, [context_dim].
      max_items: how many of the newest items count. Default: as many as the
        attention knows, else 100.
      model: the whole model, as a function of the history (positions in
        `embedding`, oldest first) and the context (None without any), which
        returns the vector. The tower is compared with it, and the server is
        compared with it whenever it loads the bundle. Give it: that the parts
        above are all of your model is what it proves.

    Raises:
      UnsupportedModule: a module cannot be held by a bundle; the message names
        it and lists what can.
      ValueError: shapes do not fit together.
    """
    numpy = extras.load("numpy", "numpy", "a tower")
    history = None
    pool = None
    if embedding is not None:
        table = getattr(embedding, "weight", embedding)
        history = as_array(table, "embedding").astype("f4")
        pool, known = _torch_pooling(pooling, history.shape[1])
        max_items = min(max_items or known or 100, known or 100000)
    made = Tower(
        history, pool, [] if layers is None else _torch_layers(layers, "layers"),
        max_items or 100,
        None if context is None else as_array(context, "context").astype("f4"),
        None if default_context is None else numpy.asarray(
            _plain(default_context), "f4").reshape(-1), model)
    return _checked(made)


def from_onnx(path: Any, *, embedding: Any, pooling: Any = "mean",
              max_items: int | None = None) -> Tower:
    """Makes a tower of an ONNX model, whose input is the pooled history and
    whose output is the user's vector.

    Args:
      path: a file, or a ModelProto.
      embedding, pooling, max_items: as for `from_torch`; `pooling` may be a
        `Pooling`.

    Raises:
      UnsupportedModule: an operator cannot be held by a bundle.
    """
    onnx = extras.load("onnx", "onnx", "from_onnx")
    numpy = extras.load("numpy", "numpy", "a tower")
    graph_model = onnx.load(os.fspath(path)) if isinstance(
        path, (str, os.PathLike)) else path
    history = as_array(getattr(embedding, "weight", embedding),
                       "embedding").astype("f4")
    if isinstance(pooling, Pooling):
        pool, known = pooling, None
    else:
        pool, known = _torch_pooling(pooling, history.shape[1])
    layers = _onnx_layers(graph_model.graph, onnx)
    limit = min(max_items or known or 100, known or 100000)
    evaluator = extras.load("onnx.reference", "onnx",
                            "from_onnx").ReferenceEvaluator(graph_model)
    name = _onnx_input(graph_model.graph)

    def run(rows: Sequence[int], _: Array | None) -> Any:
        pooled = pool.pool(history[list(rows)[-limit:]]).astype("f4")
        return numpy.asarray(evaluator.run(None, {name: pooled[None]})[0])

    return _checked(Tower(history, pool, layers, limit, model=run))


def add_towers(bundle: Bundle, towers: Mapping[str, Tower], *,
               items: Sequence[Key], users: Sequence[Key] | None = None,
               out: str | os.PathLike[str] | None = None,
               version: int | None = None,
               histories: Sequence[Sequence[Key]] = ()) -> Bundle:
    """Writes a new version of a bundle whose spaces make query vectors of
    histories by these towers. Files that stay as they are are linked, or copied
    where they cannot be.

    Args:
      bundle: the bundle.
      towers: the tower of each space, by the space's name.
      items: the items' keys, in the order of the towers' `history`.
      users: the users' keys, in the order of the towers' `context`.
      out: the directory of versions. Default: that of the bundle.
      version: the number of the new version. Default: one above the highest.
      histories: histories that the server tries the towers with whenever it
        loads the bundle, oldest item first. Default: eight that are drawn.

    Raises:
      ValueError: a space or a key is unknown, or shapes do not fit together.
      UnsupportedModule: a tower makes another vector than its model.
      ProgramError: the new version does not pass `tributary verify`.
    """
    root = (bundle.path.parent if out is None else pathlib.Path(out)).absolute()
    root.mkdir(parents=True, exist_ok=True)
    if version is None:
        version = 1 + max((int(path.name) for path in root.iterdir()
                           if path.name.isdecimal()), default=0)
    if (root / str(version)).exists():
        raise ValueError(f"version: {root / str(version)} exists")
    writer = _Writer(bundle, as_keys(items, "items"),
                     None if users is None else as_keys(users, "users"))
    with tempfile.TemporaryDirectory(prefix=".tributary-", dir=root) as work:
        target = pathlib.Path(work) / str(version)
        target.mkdir()
        writer.write(target, version, towers, histories)
        programs.run(["tributary", "verify", str(target)])
        # A whole version gets its name at once, so that no server sees a part.
        os.rename(target, root / str(version))
    return replace(bundle, path=root / str(version))


class _Writer:
    """Writes the files of towers, and the manifest."""

    def __init__(self, bundle: Bundle, items: list[Any],
                 users: list[Any] | None) -> None:
        self.numpy = extras.load("numpy", "numpy", "a tower")
        self.bundle = bundle
        self.manifest = bundle.manifest
        self.items = items
        self.users = users
        self.item_rows = self._rows("items", items)

    def _rows(self, name: str, keys: list[Any]) -> Any:
        """Returns the row of each key.

        Raises:
          ValueError: the bundle lacks a key.
        """
        kind = self.manifest[name]["kind"]
        if kind == "UINT64":
            table = self.numpy.load(self.bundle.path / f"{name}.keys.npy")
            wanted = self.numpy.array(keys, "<u8")
            rows = self.numpy.searchsorted(table, wanted)
            known = (rows < len(table))
            known[known] = table[rows[known]] == wanted[known]
        else:
            if keys and key_kind(keys, name) != "text":
                raise ValueError(f"{name}: integers, but the keys of the bundle "
                                 "are text")
            data = (self.bundle.path / f"{name}.keys.utf8").read_bytes()
            ends = self.numpy.load(
                self.bundle.path / f"{name}.keys.offsets.npy").tolist()
            table = {data[a:b]: row for row, (a, b) in enumerate(
                zip(ends, ends[1:]))}
            rows = self.numpy.array(
                [table.get(key.encode(), -1) for key in keys], "i8")
            known = rows >= 0
        if not known.all():
            missing = keys[int(self.numpy.argmin(known))]
            raise ValueError(f"{name}: the bundle has no {missing!r}")
        return rows

    def write(self, target: pathlib.Path, version: int,
              towers: Mapping[str, Tower],
              histories: Sequence[Sequence[Key]]) -> None:
        spaces = {space["name"]: space for space in self.manifest["spaces"]}
        files = {entry["name"]: entry for entry in self.manifest["files"]}
        made: list[str] = []
        drawn = self._histories(histories)
        golden = [query for query in self.manifest.get("goldenQueries", [])
                  if query["space"] not in towers]
        for name, tower in towers.items():
            if name not in spaces:
                raise ValueError(f"towers: the bundle has no space {name!r}, "
                                 f"only {', '.join(spaces)}")
            made += self._write_tower(target, spaces[name], tower)
            golden += self._golden(spaces[name], tower, drawn)
        for entry in files:
            if entry not in made and not self._replaced(entry, towers):
                _link(self.bundle.path / entry, target / entry)
        kept = [entry for name, entry in files.items()
                if name not in made and not self._replaced(name, towers)]
        self.manifest["version"] = str(version)
        self.manifest["goldenQueries"] = golden
        self.manifest["files"] = kept + [_entry(target / name) for name in made]
        (target / "manifest.json").write_text(
            json.dumps(self.manifest, indent=1), "utf-8")

    @staticmethod
    def _replaced(file: str, towers: Mapping[str, Tower]) -> bool:
        """Whether a file belongs to an earlier tower of one of the spaces."""
        return any(file.startswith((f"{space}.history.", f"{space}.context.",
                                    f"{space}.user_tower."))
                   for space in towers)

    def _histories(self, given: Sequence[Sequence[Key]]) -> list[list[int]]:
        position = {key: i for i, key in enumerate(self.items)}
        histories = []
        for history in given:
            unknown = [key for key in history if key not in position]
            if unknown or not history:
                raise ValueError(f"histories: {list(history)!r} is empty, or has "
                                 "an item that `items` lacks")
            histories.append([position[key] for key in history])
        if histories:
            return histories
        draw = self.numpy.random.default_rng(1)
        count = len(self.items)
        return [draw.permutation(count)[:min(length, count)].tolist()
                for length in (1, 2, 3, 5, 8, 13, 21, 34)[:_GOLDEN]]

    def _write_tower(self, target: pathlib.Path, space: dict[str, Any],
                     tower: Tower) -> list[str]:
        name = space["name"]
        numpy = self.numpy
        files: list[str] = []

        def save(file: str, array: Any) -> str:
            numpy.save(target / file, numpy.ascontiguousarray(array))
            files.append(file)
            return file

        spec: dict[str, Any] = {"layers": []}
        width = 0
        if tower.history is not None:
            assert tower.pooling is not None
            history = as_array(tower.history, f"the tower of {name}: history",
                               len(self.items)).astype("<f4")
            order = numpy.argsort(self.item_rows, kind="stable")
            save(f"{name}.history.npy", history[order])
            if len(self.items) != int(self.manifest["items"]["count"]):
                save(f"{name}.history.rows.npy",
                     self.item_rows[order].astype("<u4"))
            width += history.shape[1]
            spec["history"] = {
                "dim": history.shape[1], "itemVectors": str(len(history)),
                "maxItems": tower.max_items, "pooling": tower.pooling.kind,
                "decays": list(tower.pooling.decays)}
            if tower.pooling.weights is not None:
                spec["history"]["weights"] = save(
                    f"{name}.user_tower.history.npy",
                    tower.pooling.weights.astype("<f4"))
        if tower.context is not None:
            if self.users is None:
                raise ValueError("users: none, but the tower has a context")
            context = as_array(tower.context, f"the tower of {name}: context",
                               len(self.users)).astype("<f4")
            if context.shape[1] > _MAX_CONTEXT:
                raise ValueError(f"the tower of {name}: context: "
                                 f"{context.shape[1]} values, expected at most "
                                 f"{_MAX_CONTEXT}")
            rows = self._rows("users", self.users)
            order = numpy.argsort(rows, kind="stable")
            save(f"{name}.context.npy", context[order])
            if len(rows) != int(self.manifest["users"]["count"]):
                save(f"{name}.context.rows.npy", rows[order].astype("<u4"))
            width += context.shape[1]
            spec["contextDim"] = context.shape[1]
            spec["contextVectors"] = str(len(context))
            spec["defaultContext"] = [
                float(value) for value in tower.fallback_context]
        for i, layer in enumerate(tower.layers):
            entry: dict[str, Any] = {"kind": layer.kind}
            if layer.kind == "LINEAR":
                assert layer.weights is not None and layer.bias is not None
                if layer.weights.shape[1] != width:
                    raise ValueError(
                        f"the tower of {name}: layer {i} takes "
                        f"{layer.weights.shape[1]} values, but gets {width}")
                width = layer.weights.shape[0]
                entry["weights"] = save(f"{name}.user_tower.{i}.weights.npy",
                                        layer.weights.astype("<f4"))
                entry["bias"] = save(f"{name}.user_tower.{i}.bias.npy",
                                     layer.bias.astype("<f4"))
            elif layer.kind == "APPEND_ONE":
                width += 1
            spec["layers"].append(entry)
        if width != int(space["dim"]):
            raise ValueError(f"the tower of {name} makes {width} values, but the "
                             f"space has {space['dim']} dimensions")
        space["historyEncoder"] = "TOWER"
        space["userTower"] = spec
        return files

    def _golden(self, space: dict[str, Any], tower: Tower,
                histories: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
        name = space["name"]
        numpy = self.numpy
        vectors = numpy.load(self.bundle.path / f"{name}.items.npy")
        rows_file = self.bundle.path / f"{name}.items.rows.npy"
        rows = (numpy.load(rows_file) if rows_file.exists()
                else numpy.arange(len(vectors)))
        golden = []
        for history in histories:
            own = tower.encode(history)
            vector = own if tower.model is None else _of_model(tower, history)
            _compare(own, vector, f"the tower of {name}")
            values = vector.astype("f4")
            scores = vectors.astype("f8") @ values.astype("f8")
            best = numpy.lexsort((rows, -scores))[:_ANSWERS]
            entry = {
                "space": name, "vector": [float(value) for value in values],
                "rows": [int(row) for row in rows[best]],
                "scores": [float(score) for score in scores[best]]}
            if tower.history is not None:
                entry["history"] = [
                    int(self.item_rows[item]) for item in history]
            golden.append(entry)
        return golden


def _checked(tower: Tower) -> Tower:
    """Compares a tower with its model at once, where the error is nearest."""
    if tower.model is None or tower.history is None:
        if tower.model is not None and tower.context is not None:
            for context in tower.context[:4]:
                _compare(tower.encode([], context),
                         _of_model(tower, [], context), "the tower")
        return tower
    count = len(tower.history)
    for history in ([0], [count - 1, 0], list(range(min(count, 7)))):
        _compare(tower.encode(history), _of_model(tower, history), "the tower")
    return tower


def _of_model(tower: Tower, history: Sequence[int],
              context: Array | None = None) -> Any:
    numpy = extras.load("numpy", "numpy", "a tower")
    assert tower.model is not None
    if context is None and tower.context is not None:
        context = tower.fallback_context
    made = _plain(tower.model(list(history)[-tower.max_items:], context))
    return numpy.asarray(made, "f8").reshape(-1)


def _compare(own: Any, model: Any, name: str) -> None:
    numpy = extras.load("numpy", "numpy", "a tower")
    if own.shape != model.shape:
        raise UnsupportedModule(f"{name} makes {len(own)} values, and its model "
                                f"{len(model)}")
    away = float(numpy.linalg.norm(own - model))
    length = float(numpy.linalg.norm(model))
    if not away <= _TOLERANCE / 2 * max(length, 1e-30):
        raise UnsupportedModule(
            f"{name} makes another vector than its model, {away / max(length, 1e-30):.2g} "
            "of the length away: the model does something that embedding, "
            "pooling, context and layers do not say")


def _plain(values: Any) -> Any:
    if hasattr(values, "detach"):
        return values.detach().cpu().numpy()
    return values


def _torch_pooling(pooling: Any, dim: int) -> tuple[Pooling, int | None]:
    """Returns the pooling, and how many items it knows."""
    numpy = extras.load("numpy", "numpy", "a tower")
    if pooling == "mean":
        return Pooling("DECAYED_MEAN"), None
    if pooling == "sum":
        return Pooling("DECAYED_SUM"), None
    kind = type(pooling).__name__
    if kind in ("DecayedSum", "DecayedMean") and hasattr(pooling, "decays"):
        return Pooling("DECAYED_SUM" if kind == "DecayedSum" else "DECAYED_MEAN",
                       [float(decay) for decay in pooling.decays]), None
    if kind == "Attention" and hasattr(pooling, "rank_bias"):
        parts = [pooling.linear.weight, pooling.linear.bias, pooling.score,
                 pooling.rank_bias]
        flat = numpy.concatenate([numpy.ravel(_plain(p)) for p in parts])
        return (Pooling("ATTENTION", weights=flat.astype("f4")),
                len(pooling.rank_bias))
    if kind == "GRU" and hasattr(pooling, "weight_ih_l0"):
        wrong = [f"{name}={getattr(pooling, name)}" for name, expected in (
            ("num_layers", 1), ("bidirectional", False), ("bias", True),
            ("input_size", dim), ("hidden_size", dim))
                 if getattr(pooling, name) != expected]
        if wrong:
            raise UnsupportedModule(
                f"pooling: torch.nn.GRU with {', '.join(wrong)}, for an "
                f"embedding of {dim} values.\n{SUPPORTED}")
        parts = [pooling.weight_ih_l0, pooling.weight_hh_l0, pooling.bias_ih_l0,
                 pooling.bias_hh_l0]
        flat = numpy.concatenate([numpy.ravel(_plain(p)) for p in parts])
        return Pooling("GRU", weights=flat.astype("f4")), None
    raise UnsupportedModule(f"pooling: {_named(pooling)}.\n{SUPPORTED}")


def _named(module: Any) -> str:
    if isinstance(module, str):
        return repr(module)
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _torch_layers(module: Any, path: str) -> list[Layer]:
    numpy = extras.load("numpy", "numpy", "a tower")
    kind = type(module).__name__
    if kind in ("Sequential", "ModuleList"):
        return [layer for name, child in module.named_children()
                for layer in _torch_layers(child, f"{path}[{name}]")]
    if kind == "Linear":
        weights = _plain(module.weight).astype("f4")
        bias = (numpy.zeros(len(weights), "f4") if module.bias is None
                else _plain(module.bias).astype("f4"))
        return [Layer("LINEAR", weights, bias)]
    if kind == "ReLU":
        return [Layer("RELU")]
    if kind in ("Dropout", "Identity"):
        return []
    if kind in ("L2Normalize", "AppendOne") and (
            type(module).__module__ == "tributary.torch_towers"):
        return [Layer("L2_NORMALIZE" if kind == "L2Normalize" else "APPEND_ONE")]
    raise UnsupportedModule(f"{path}: {_named(module)}.\n{SUPPORTED}")


def _onnx_input(graph: Any) -> str:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise UnsupportedModule(
            f"the graph has the inputs {', '.join(inputs) or 'none'} and "
            f"{len(graph.output)} outputs, expected one of each: the pooled "
            "history, and the user's vector")
    return str(inputs[0])


def _onnx_layers(graph: Any, onnx: Any) -> list[Layer]:
    numpy = extras.load("numpy", "numpy", "a tower")
    helper = onnx.helper
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor)
                 for tensor in graph.initializer}
    flowing = _onnx_input(graph)
    layers: list[Layer] = []
    for node in graph.node:
        where = f"the operator {node.op_type} ({node.name or node.output[0]})"
        options = {option.name: helper.get_attribute_value(option)
                   for option in node.attribute}
        if node.op_type == "Constant":
            constants[node.output[0]] = onnx.numpy_helper.to_array(
                options["value"])
            continue
        variable = [name for name in node.input if name and name not in constants]
        if variable != [flowing]:
            raise UnsupportedModule(
                f"{where} does not follow the one before it alone: a tower is a "
                f"chain.\n{SUPPORTED}")
        fixed = [constants[name] for name in node.input if name in constants]
        if node.op_type == "Gemm" and node.input[0] == flowing and (
                options.get("transA", 0) == 0):
            weights = fixed[0] if options.get("transB", 0) else fixed[0].T
            bias = (fixed[1] if len(fixed) > 1 else numpy.zeros(len(weights)))
            layers.append(Layer(
                "LINEAR", weights.astype("f4") * options.get("alpha", 1.0),
                numpy.broadcast_to(
                    bias.reshape(-1) * options.get("beta", 1.0),
                    (len(weights),)).astype("f4")))
        elif node.op_type == "MatMul" and node.input[0] == flowing and (
                fixed[0].ndim == 2):
            layers.append(Layer("LINEAR", fixed[0].T.astype("f4"),
                                numpy.zeros(fixed[0].shape[1], "f4")))
        elif node.op_type == "Add" and layers and layers[-1].kind == "LINEAR":
            last = layers.pop()
            assert last.bias is not None
            layers.append(replace(last, bias=(
                last.bias + fixed[0].reshape(-1)).astype("f4")))
        elif node.op_type == "Relu":
            layers.append(Layer("RELU"))
        elif node.op_type == "LpNormalization" and options.get("p", 2) == 2 and (
                options.get("axis", -1) in (-1, 1)):
            layers.append(Layer("L2_NORMALIZE"))
        elif node.op_type not in ("Dropout", "Identity"):
            raise UnsupportedModule(f"{where}.\n{SUPPORTED}")
        flowing = node.output[0]
    if flowing != graph.output[0].name:
        raise UnsupportedModule(
            f"the output {graph.output[0].name} is not what the last operator "
            f"makes.\n{SUPPORTED}")
    return layers


def _run_gru(vectors: Array, weights: Array | None) -> Array:
    numpy = extras.load("numpy", "numpy", "a tower")
    assert weights is not None
    dim = vectors.shape[1]
    flat = weights.astype("f8")
    of_input, of_state, rest = numpy.split(flat, [3 * dim * dim, 6 * dim * dim])
    of_input = of_input.reshape(3 * dim, dim)
    of_state = of_state.reshape(3 * dim, dim)
    input_bias, state_bias = numpy.split(rest, 2)
    state = numpy.zeros(dim)
    for vector in vectors:
        x = numpy.split(of_input @ vector + input_bias, 3)
        h = numpy.split(of_state @ state + state_bias, 3)
        reset = 1 / (1 + numpy.exp(-x[0] - h[0]))
        update = 1 / (1 + numpy.exp(-x[1] - h[1]))
        new = numpy.tanh(x[2] + reset * h[2])
        state = (1 - update) * new + update * state
    return state  # type: ignore[no-any-return]


def _entry(path: pathlib.Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
        os.fsync(file.fileno())
    return {"name": path.name, "sizeBytes": str(path.stat().st_size),
            "sha256": digest.hexdigest()}


def _link(source: pathlib.Path, target: pathlib.Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
