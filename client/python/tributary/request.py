"""What to ask for: the arguments of a retrieval, and the message made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import (TYPE_CHECKING, Any, Iterable, Mapping, Sequence, TypedDict,
                    Union)

from tributary.v1 import retrieval_pb2 as pb

#: A user's or an item's key: an int where the catalogue's keys are integers, a
#: str where they are text.
Key = Union[int, str]
#: Keys, or pairs of a key and its weight, or a mapping from one to the other.
WeightedKeys = Union[Mapping[Key, float], Iterable[Union[Key, tuple[Key, float]]]]

if TYPE_CHECKING:
    import numpy as np

    Vector = Union[Sequence[float], np.ndarray[Any, Any]]

_POLICIES = ("quota", "rrf", "weighted", "interleave")
_SHORTAGES = {"return_fewer": pb.RETURN_FEWER, "relax": pb.RELAX, "fail": pb.FAIL}
_MAX_ID = 2**64 - 1


@dataclass(frozen=True)
class Quota:
    """How many of the k candidates a source should contribute."""

    target: int
    #: At least this many, whatever the fusion policy prefers.
    min: int | None = None
    #: At most this many.
    max: int | None = None


@dataclass(frozen=True)
class Decay:
    """Halves scores with each `half_life_days` of an item's age."""

    #: An attribute of the type time.
    attribute: str
    half_life_days: float
    #: The least factor, 0 to 1.
    floor: float = 0.0
    #: The time that ages are counted to, such as "2026-11-30T12:00:00Z".
    #: Empty: now.
    at: str = ""


@dataclass(frozen=True)
class Diversity:
    """Candidates that differ from each other by their vectors in a space."""

    space: str
    #: From 0, difference alone, to 1, relevance alone.
    relevance: float = 0.5


@dataclass(frozen=True)
class SpaceQuery:
    """One of several query vectors, such as one for each interest of a user."""

    space: str
    #: As many finite numbers as the space has dimensions.
    values: Vector
    weight: float = 1.0
    #: Of the model that made the vector. Empty: it is not checked.
    fingerprint: str = ""


@dataclass(frozen=True)
class Request:
    """What to retrieve. Every field has a default; an empty request is popular
    items for an anonymous user. The API reference describes each field.

    Lists of items take keys of the catalogue's kind, all int or all str.
    """

    #: The user's key; None for an anonymous user.
    user: Key | None = None
    #: How many candidates at most; 0: the server's default.
    k: int = 0
    #: What to ask of each retriever, by its name.
    quotas: Mapping[str, int | Quota] = field(default_factory=dict)
    #: What an item must be, such as 'in_stock = true AND price < 50'.
    where: str = ""
    #: When fewer than k items pass: "return_fewer", "relax" or "fail".
    when_short: str = "return_fewer"
    #: The attributes whose terms may be dropped, in this order.
    relax: Sequence[str] = ()
    #: Items that may not be returned.
    exclude: Iterable[Key] = ()
    #: Names of uploaded sets of items that may not be returned.
    exclude_sets: Sequence[str] = ()
    #: Whether items that the user has already had may be returned.
    include_seen: bool = False
    #: The user's recent items, oldest first, perhaps with weights.
    recent: WeightedKeys = ()
    #: Items to retrieve more of, perhaps with weights.
    like: WeightedKeys = ()
    #: Items to retrieve less of, perhaps with weights.
    unlike: WeightedKeys = ()
    #: How many candidates may share a value, by attribute.
    caps: Mapping[str, int] = field(default_factory=dict)
    #: Factors by condition, such as {'in_stock = true': 1.5}.
    boosts: Mapping[str, float] = field(default_factory=dict)
    decay: Decay | None = None
    diversity: Diversity | None = None
    #: Query vectors, by space. Each replaces what the server would have made.
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    #: More query vectors, several for one space.
    queries: Sequence[SpaceQuery] = ()
    #: What is known of the user now, by the name of the feature: a number, a
    #: category, or a list of categories; None for a missing value.
    user_features: Mapping[str, float | str | Sequence[str] | None] = field(
        default_factory=dict)
    #: "quota", "rrf", "weighted" or "interleave"; empty: the server's.
    fusion: str = ""
    #: Weights of retrievers, for "rrf" and "weighted".
    weights: Mapping[str, float] = field(default_factory=dict)
    #: The constant of "rrf" and "quota"; 0: the server's.
    k0: float = 0.0
    #: The user's segment for popularity.
    segment: str = ""
    #: Answers from this version; 0: the one that the server chooses.
    version: int = 0
    #: Answers from the version with this label.
    label: str = ""
    #: The server's profile that fills in what the request does not say.
    profile: str = ""
    #: How many candidates of the list of k a reply has; 0: all.
    page_size: int = 0
    #: What the reply before this page said.
    page_token: str = ""
    #: Whether the reply says each candidate's rank and score in each source.
    full: bool = False

    def to_proto(self) -> pb.RetrieveRequest:
        """Returns the message.

        Raises:
          TypeError: a key is neither int nor str, or a list mixes them.
          ValueError: an int is no key, or a choice has no such value. What
            only the server can know, it checks.
        """
        message = pb.RetrieveRequest(
            k=self.k, include_seen=self.include_seen, segment=self.segment,
            bundle_version=self.version, bundle_label=self.label,
            profile=self.profile, page_size=self.page_size,
            page_token=self.page_token, view=pb.FULL if self.full else pb.BASIC)
        if self.user is not None:
            if _is_id("user", self.user):
                message.user_id = self.user  # type: ignore[assignment]
            else:
                message.user_key = self.user  # type: ignore[assignment]
        for name, quota in self.quotas.items():
            if isinstance(quota, Quota):
                message.quotas[name].CopyFrom(pb.Quota(
                    target=quota.target, min=quota.min, max=quota.max))
            else:
                message.quotas[name].target = quota
        self._add_filter(message)
        self._add_items(message)
        self._add_scoring(message)
        self._add_queries(message)
        return message

    def _add_filter(self, message: pb.RetrieveRequest) -> None:
        ids, keys = split_keys("exclude", self.exclude)
        if self.when_short not in _SHORTAGES:
            raise ValueError(f"when_short: {self.when_short!r}, expected one of "
                             f"{', '.join(_SHORTAGES)}")
        made = pb.Filter(
            exclude_item_ids=ids, exclude_item_keys=keys,
            exclude_sets=_names("exclude_sets", self.exclude_sets),
            where=self.where, when_short=_SHORTAGES[self.when_short],
            relax=_names("relax", self.relax))
        if made.ByteSize():
            message.filter.CopyFrom(made)

    def _add_items(self, message: pb.RetrieveRequest) -> None:
        recent = list(_weighted("recent", self.recent))
        ids, keys = split_keys("recent", [key for key, _ in recent])
        message.recent_item_ids.extend(ids)
        message.recent_item_keys.extend(keys)
        if any(weight is not None for _, weight in recent):
            message.recent_item_weights.extend(
                1.0 if weight is None else weight for _, weight in recent)
        for name, items, wanted in (("like", message.like, self.like),
                                    ("unlike", message.unlike, self.unlike)):
            for key, weight in _weighted(name, wanted):
                if weight is not None and not weight > 0:
                    # 0 would mean 1 to the server.
                    raise ValueError(f"{name}: {key!r} has the weight {weight}, "
                                     "expected one above 0")
                item = items.add(weight=weight or 0.0)
                if _is_id(name, key):
                    item.item_id = key  # type: ignore[assignment]
                else:
                    item.item_key = key  # type: ignore[assignment]

    def _add_scoring(self, message: pb.RetrieveRequest) -> None:
        for attribute, most in self.caps.items():
            message.caps.add(attribute=attribute, max=most)
        for condition, factor in self.boosts.items():
            message.boosts.add(where=condition, factor=factor)
        if self.decay is not None:
            message.decay.CopyFrom(pb.Decay(
                attribute=self.decay.attribute,
                half_life_days=self.decay.half_life_days,
                floor=self.decay.floor, at=self.decay.at))
        if self.diversity is not None:
            message.diversity.space = self.diversity.space
            # `lambda` is a word of Python.
            setattr(message.diversity, "lambda", self.diversity.relevance)
        if self.fusion or self.weights or self.k0:
            if self.fusion and self.fusion not in _POLICIES:
                raise ValueError(f"fusion: {self.fusion!r}, expected one of "
                                 f"{', '.join(_POLICIES)}")
            message.fusion.CopyFrom(pb.Fusion(
                policy=self.fusion.upper() or None, k0=self.k0,
                weights=dict(self.weights)))

    def _add_queries(self, message: pb.RetrieveRequest) -> None:
        for space, values in self.vectors.items():
            message.vectors[space].values.extend(_floats(values))
        for query in self.queries:
            message.queries.add(
                space=query.space, values=_floats(query.values),
                fingerprint=query.fingerprint, weight=query.weight)
        for name, value in self.user_features.items():
            feature = message.user_features[name]
            if value is None:
                # The entry itself says that the value is missing.
                feature.SetInParent()
            elif isinstance(value, str):
                feature.categories.append(value)
            elif isinstance(value, (list, tuple, set, frozenset)):
                feature.categories.extend(value)
            else:
                feature.number = float(value)  # type: ignore[arg-type]


class ListFields(TypedDict, total=False):
    """The fields of `Request` that say which list, as arguments by name: all but
    the user and the page."""

    k: int
    quotas: Mapping[str, int | Quota]
    where: str
    when_short: str
    relax: Sequence[str]
    exclude: Iterable[Key]
    exclude_sets: Sequence[str]
    include_seen: bool
    recent: WeightedKeys
    like: WeightedKeys
    unlike: WeightedKeys
    caps: Mapping[str, int]
    boosts: Mapping[str, float]
    decay: Decay | None
    diversity: Diversity | None
    vectors: Mapping[str, Vector]
    queries: Sequence[SpaceQuery]
    user_features: Mapping[str, float | str | Sequence[str] | None]
    fusion: str
    weights: Mapping[str, float]
    k0: float
    segment: str
    version: int
    label: str
    profile: str
    full: bool


class RequestFields(ListFields, total=False):
    """The fields of `Request` but the user, as arguments by name."""

    page_size: int
    page_token: str


def _is_id(name: str, key: Any) -> bool:
    """Whether a key is an integer; integers of NumPy count."""
    if isinstance(key, str):
        return False
    if isinstance(key, bool) or not hasattr(key, "__index__"):
        raise TypeError(f"{name}: a key is an int or a str, not {key!r}")
    if not 0 <= key.__index__() <= _MAX_ID:
        raise ValueError(f"{name}: {key}, expected a key from 0 to 2^64 - 1")
    return True


def split_keys(name: str, keys: Iterable[Key]) -> tuple[list[int], list[str]]:
    """Returns the keys that are integers, and those that are text.

    Raises:
      TypeError: a key is neither, or there are some of both.
    """
    if isinstance(keys, (str, bytes)):
        raise TypeError(f"{name}: a list of keys is expected, not {keys!r}")
    ids: list[int] = []
    texts: list[str] = []
    for key in keys:
        if _is_id(name, key):
            ids.append(key)  # type: ignore[arg-type]
        else:
            texts.append(key)  # type: ignore[arg-type]
    if ids and texts:
        raise TypeError(f"{name}: {ids[0]!r} beside {texts[0]!r}: the keys of a "
                        "catalogue are all int or all str")
    return ids, texts


def _weighted(name: str,
              items: WeightedKeys) -> Iterable[tuple[Key, float | None]]:
    if isinstance(items, Mapping):
        return items.items()
    if isinstance(items, (str, bytes)):
        raise TypeError(f"{name}: a list of keys is expected, not {items!r}")
    return [item if isinstance(item, tuple) else (item, None) for item in items]


def _names(name: str, names: Sequence[str]) -> Sequence[str]:
    if isinstance(names, str):
        raise TypeError(f"{name}: a list of names is expected, not {names!r}")
    return names


def _floats(values: Any) -> list[float]:
    # An array or a tensor converts itself faster than a loop.
    return values.tolist() if hasattr(values, "tolist") else list(values)
