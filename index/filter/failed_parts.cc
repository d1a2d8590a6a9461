#include "index/filter/failed_parts.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "absl/functional/function_ref.h"
#include "index/filter/item_filter.h"
#include "index/filter/where_text.h"

namespace tributary {
namespace {

using PredicateList = google::protobuf::RepeatedPtrField<v1::Predicate>;

constexpr size_t kMaxTagsShown = 16;

// The predicate was compiled once, within the limits of its request; here its
// parts are.
bool PassesPart(const AttributeView& attributes, const v1::Predicate& predicate,
                Row item) {
  const auto filter =
      ItemFilter::Compile(attributes, predicate,
                          {.max_terms = std::numeric_limits<uint32_t>::max(),
                           .max_depth = std::numeric_limits<int>::max()});
  return filter.ok() && filter->Passes(item);
}

// Whether each element on its own must be `wanted`, so that the predicate is.
bool IsConjunction(const v1::Predicate& predicate, bool wanted) {
  if (IsNotEqual(predicate)) return false;
  return (predicate.has_all() && wanted) || (predicate.has_any() && !wanted);
}

const PredicateList& ElementsOf(const v1::Predicate& predicate) {
  return predicate.has_all() ? predicate.all().predicates()
                             : predicate.any().predicates();
}

v1::Predicate Negated(v1::Predicate predicate) {
  v1::Predicate negation;
  negation.mutable_negated()->Swap(&predicate);
  return negation;
}

// Looks for what is wrong with one item.
class ItemTest {
 public:
  // Whether the item passes a predicate. It outlives this.
  using Passes = absl::FunctionRef<bool(const v1::Predicate& predicate)>;

  explicit ItemTest(Passes passes) : passes_(passes) {}

  // Adds what of the predicate is not as `wanted`.
  void AddFailed(const v1::Predicate& predicate, bool wanted,
                 std::vector<v1::Predicate>* parts) const {
    if (passes_(predicate) == wanted) return;
    if (predicate.has_negated()) {
      return AddFailed(predicate.negated(), !wanted, parts);
    }
    if (IsConjunction(predicate, wanted)) {
      for (const v1::Predicate& element : ElementsOf(predicate)) {
        AddFailed(element, wanted, parts);
      }
      return;
    }
    parts->push_back(wanted ? predicate : Negated(predicate));
  }

  // The predicate without that; nothing if nothing is left.
  std::optional<v1::Predicate> Without(const v1::Predicate& predicate,
                                       bool wanted) const {
    if (passes_(predicate) == wanted) return predicate;
    if (predicate.has_negated()) {
      std::optional<v1::Predicate> left = Without(predicate.negated(), !wanted);
      if (left.has_value()) left = Negated(*std::move(left));
      return left;
    }
    if (!IsConjunction(predicate, wanted)) return std::nullopt;
    v1::Predicate left;
    PredicateList* const list = predicate.has_all()
                                    ? left.mutable_all()->mutable_predicates()
                                    : left.mutable_any()->mutable_predicates();
    for (const v1::Predicate& element : ElementsOf(predicate)) {
      std::optional<v1::Predicate> kept = Without(element, wanted);
      if (kept.has_value()) list->Add(*std::move(kept));
    }
    if (list->empty()) return std::nullopt;
    if (list->size() > 1) return left;
    return v1::Predicate(list->Get(0));
  }

 private:
  const Passes passes_;
};

void AddAttributesOf(const v1::Predicate& predicate,
                     std::vector<std::string>* names) {
  switch (predicate.condition_case()) {
    case v1::Predicate::kAll:
    case v1::Predicate::kAny:
      for (const v1::Predicate& element : ElementsOf(predicate)) {
        AddAttributesOf(element, names);
      }
      return;
    case v1::Predicate::kNegated:
      return AddAttributesOf(predicate.negated(), names);
    default: {
      const std::string& name = predicate.term().attribute();
      if (std::ranges::find(*names, name) == names->end()) {
        names->push_back(name);
      }
    }
  }
}

}  // namespace

std::vector<v1::Predicate> FailedParts(const AttributeView& attributes,
                                       const v1::Predicate& predicate,
                                       Row item) {
  std::vector<v1::Predicate> parts;
  const auto passes = [&](const v1::Predicate& part) {
    return PassesPart(attributes, part, item);
  };
  ItemTest(passes).AddFailed(predicate, /*wanted=*/true, &parts);
  return parts;
}

std::vector<v1::Predicate> FailedParts(const Bundle& bundle,
                                       const v1::Predicate& predicate,
                                       std::span<const ItemValue> values) {
  std::vector<v1::Predicate> parts;
  const auto passes = [&](const v1::Predicate& part) {
    return ValuePredicate(bundle, part).Passes(values);
  };
  ItemTest(passes).AddFailed(predicate, /*wanted=*/true, &parts);
  return parts;
}

std::optional<v1::Predicate> WithoutFailedParts(const AttributeView& attributes,
                                                const v1::Predicate& predicate,
                                                Row item) {
  const auto passes = [&](const v1::Predicate& part) {
    return PassesPart(attributes, part, item);
  };
  return ItemTest(passes).Without(predicate, /*wanted=*/true);
}

std::optional<v1::Predicate> WithoutFailedParts(
    const Bundle& bundle, const v1::Predicate& predicate,
    std::span<const ItemValue> values) {
  const auto passes = [&](const v1::Predicate& part) {
    return ValuePredicate(bundle, part).Passes(values);
  };
  return ItemTest(passes).Without(predicate, /*wanted=*/true);
}

std::vector<std::string> AttributesOf(const v1::Predicate& predicate) {
  std::vector<std::string> names;
  AddAttributesOf(predicate, &names);
  return names;
}

std::string ItemValueText(const AttributeColumn& column, Row item) {
  if (column.type() != v1::TAGS) {
    const uint32_t code = column.CodeOf(item);
    return code < column.values() ? column.ValueText(code) : "";
  }
  std::string tags;
  size_t shown = 0;
  for (uint32_t code = 0; code < column.values(); ++code) {
    const std::span<const Row> with = column.ItemsWith(code);
    if (!std::binary_search(with.begin(), with.end(), item)) continue;
    if (!tags.empty()) tags += ", ";
    if (shown++ == kMaxTagsShown) return tags + "...";
    tags += column.ValueText(code);
  }
  return tags;
}

}  // namespace tributary
