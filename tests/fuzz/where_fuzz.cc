// The input is a filter's text. What is understood must be within the limits of
// messages, pass the same items again when it is evaluated again, and no item
// together with its negation.
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/strings/match.h"
#include "index/filter/item_filter.h"
#include "index/filter/where.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

// The error without the byte that it is about. Other words of it may be the
// input's own.
std::string_view Reason(const absl::Status& error) {
  constexpr std::string_view kPath = "where: at byte ";
  std::string_view message(error.message().data(), error.message().size());
  Require(message.starts_with(kPath));
  message.remove_prefix(kPath.size());
  const size_t colon = message.find(": ");
  Require(colon != std::string_view::npos);
  return message.substr(colon + 2);
}

// What passes; nothing when the bundle cannot say. Whether it can depends on
// attributes and values alone.
std::optional<RowSet> Passing(const Bundle& bundle,
                              const v1::Predicate& predicate,
                              std::span<const size_t> offsets) {
  const auto filter = ItemFilter::Compile(
      bundle, predicate, {.path = "where", .offsets = offsets});
  if (!filter.ok()) {
    Require(absl::IsInvalidArgument(filter.status()));
    // The grammar refuses what would be too deep.
    Require(!Reason(filter.status()).starts_with("nested deeper"));
    return std::nullopt;
  }
  Require(filter->unknown_values().size() <= kMaxUnknownValues);
  RowSet rows = filter->Evaluate();
  Require(rows.size() == bundle.items().size());
  Require((rows.words().back() >> (rows.size() % 64)) == 0);
  return rows;
}

void CheckDropped(const Bundle& bundle, v1::Predicate predicate,
                  const RowSet& passing) {
  for (const AttributeColumn& attribute : bundle.attributes()) {
    if (!DropAttribute(attribute.name(), &predicate)) return;
    const auto filter = ItemFilter::Compile(bundle, predicate, {});
    Require(filter.ok());
    const RowSet more = filter->Evaluate();
    for (size_t i = 0; i < passing.words().size(); ++i) {
      Require((passing.words()[i] & ~more.words()[i]) == 0);
    }
  }
  // No term was left.
  Require(false);
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  static const std::shared_ptr<const Bundle> bundle =
      *Bundle::Open(WriteTinyBundle(FuzzDir(), 1));
  // As limits.max_where_bytes; more takes longer and finds the same.
  const std::string_view text = AsText(data, size).substr(0, 16384);
  auto parsed = ParseWhere(text);
  if (!parsed.ok()) {
    Require(absl::IsInvalidArgument(parsed.status()));
    Require(absl::StartsWith(parsed.status().message(), "at byte "));
    return 0;
  }
  for (const size_t offset : parsed->offsets) Require(offset < text.size());
  const auto passing = Passing(*bundle, parsed->predicate, parsed->offsets);
  if (!passing.has_value()) return 0;
  CheckDropped(*bundle, parsed->predicate, *passing);
  v1::Predicate negated;
  negated.mutable_negated()->Swap(&parsed->predicate);
  const auto others = Passing(*bundle, negated, parsed->offsets);
  Require(others.has_value());
  RowSet complement = *others;
  complement.Complement();
  Require(complement == *passing);
  return 0;
}
