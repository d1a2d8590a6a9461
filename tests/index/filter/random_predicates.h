// Random predicates on the items of attributed_items.h.
#ifndef TRIBUTARY_TESTS_INDEX_FILTER_RANDOM_PREDICATES_H_
#define TRIBUTARY_TESTS_INDEX_FILTER_RANDOM_PREDICATES_H_

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "fmt/format.h"
#include "tests/index/filter/attributed_items.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Draws predicates that any bundle of OpenBundleOf accepts.
class RandomPredicates {
 public:
  RandomPredicates(const std::vector<AttributedItem>& items, uint32_t seed)
      : items_(items), random_(seed) {}

  v1::Predicate Draw(int depth) {
    v1::Predicate predicate;
    switch (depth > 0 ? random_() % 5 : 0) {
      case 1:
      case 2:
      case 3: {
        auto* const list = random_() % 2 == 0
                               ? predicate.mutable_all()->mutable_predicates()
                               : predicate.mutable_any()->mutable_predicates();
        for (uint32_t i = 1 + random_() % 3; i > 0; --i) {
          *list->Add() = Draw(depth - 1);
        }
        break;
      }
      case 4:
        *predicate.mutable_negated() = Draw(depth - 1);
        break;
      default:
        DrawTerm(predicate.mutable_term());
    }
    return predicate;
  }

 private:
  const AttributedItem& AnyItem() { return items_[random_() % items_.size()]; }

  v1::AttributeValue DrawValue(const std::string& attribute) {
    v1::AttributeValue value;
    const bool any = random_() % 8 == 0;
    if (attribute == "in_stock") {
      value.set_flag(random_() % 2 == 0);
    } else if (attribute == "brand") {
      value.set_text(any ? fmt::format("b{}x", random_() % 300)
                         : AnyItem().brand.value_or("none"));
    } else if (attribute == "tags") {
      const auto& tags = AnyItem().tags;
      value.set_text(any || tags.empty() ? "none" : *tags.rbegin());
    } else if (attribute == "year" && random_() % 2 == 0) {
      value.set_number(static_cast<double>(random_() % 2000) - .5 * any);
    } else if (attribute == "year") {
      const std::vector<int64_t> far = {std::numeric_limits<int64_t>::min(),
                                        std::numeric_limits<int64_t>::max(), 0,
                                        1901};
      value.set_integer(any ? far[random_() % far.size()]
                            : AnyItem().year.value_or(1));
    } else if (attribute == "price" && random_() % 4 == 0) {
      value.set_integer(static_cast<int64_t>(random_() % 2000));
    } else if (attribute == "price") {
      value.set_number(any ? 1e300 * (random_() % 3 - 1.0)
                           : AnyItem().price.value_or(.1));
    } else {
      value.set_text(absl::FormatCivilTime(absl::CivilDay(1969, 12, 25) +
                                           static_cast<int>(random_() % 220)));
    }
    return value;
  }

  void DrawValues(const std::string& attribute, v1::AttributeValues* values) {
    // More than eight ranges are looked for in another way.
    for (uint32_t i = 1 + random_() % (random_() % 2 == 0 ? 3 : 40); i > 0;
         --i) {
      *values->add_values() = DrawValue(attribute);
    }
  }

  void DrawTerm(v1::Term* term) {
    const std::vector<std::string> names = {"in_stock", "brand", "tags",
                                            "year",     "price", "created_at"};
    const std::string& name = names[random_() % names.size()];
    term->set_attribute(name);
    const bool tags = name == "tags";
    const bool ordered = !tags && name != "in_stock";
    switch (random_() % 5) {
      case 0:
        *term->mutable_equals() = DrawValue(name);
        return;
      case 1:
        DrawValues(name, term->mutable_any_of());
        return;
      case 2:
        if (tags) {
          for (uint32_t i = 1 + random_() % 3; i > 0; --i) {
            *term->mutable_all_of()->add_values() = DrawValue(name);
          }
          return;
        }
        [[fallthrough]];
      case 3:
        if (ordered) return DrawRange(name, term->mutable_range());
        [[fallthrough]];
      default:
        term->set_exists(random_() % 2 == 0);
    }
  }

  void DrawRange(const std::string& name, v1::ValueRange* range) {
    const uint32_t sides = 1 + random_() % 3;
    if ((sides & 1) != 0) {
      *(random_() % 2 == 0 ? range->mutable_at_least()
                           : range->mutable_above()) = DrawValue(name);
    }
    if ((sides & 2) != 0) {
      *(random_() % 2 == 0 ? range->mutable_at_most()
                           : range->mutable_below()) = DrawValue(name);
    }
  }

  const std::vector<AttributedItem>& items_;
  std::mt19937 random_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_FILTER_RANDOM_PREDICATES_H_
