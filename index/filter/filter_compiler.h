// A part of ItemFilter: turns a predicate into its nodes.
#ifndef TRIBUTARY_INDEX_FILTER_FILTER_COMPILER_H_
#define TRIBUTARY_INDEX_FILTER_FILTER_COMPILER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/filter/item_filter.h"

namespace tributary {

class FilterCompiler {
 public:
  FilterCompiler(const AttributeView& attributes,
                 const ItemFilter::Options& options, ItemFilter* filter)
      : attributes_(attributes), options_(options), filter_(*filter) {}

  absl::Status Compile(const v1::Predicate& predicate);

 private:
  using Node = ItemFilter::Node;
  using Kind = ItemFilter::Node::Kind;

  absl::Status AddPredicate(const v1::Predicate& predicate,
                            const std::string& path, int depth, Node* node);
  absl::Status AddList(const v1::Predicates& list, const std::string& path,
                       int depth, Node* node);
  absl::Status AddTerm(const v1::Term& term, const std::string& path,
                       Node* node);
  absl::Status AddEquals(const v1::AttributeValue& value,
                         const std::string& path, Node* node);
  absl::Status AddValues(const v1::AttributeValues& values, bool all,
                         const std::string& path, Node* node);
  absl::Status AddRange(const v1::ValueRange& range, const std::string& path,
                        Node* node);
  absl::Status CountTerms(int terms, const std::string& path);

  // The code of a value, or nothing if no item has it.
  absl::StatusOr<std::optional<uint32_t>> FindCode(
      const AttributeColumn& column, const v1::AttributeValue& value,
      const std::string& path);
  // The first code whose value is at least, or, if `above`, greater than, the
  // given one.
  absl::StatusOr<uint32_t> FindBound(const AttributeColumn& column,
                                     const v1::AttributeValue& value,
                                     bool above, const std::string& path);
  // The value as milliseconds since 1970.
  absl::StatusOr<int64_t> TimeOf(const AttributeColumn& column,
                                 const v1::AttributeValue& value,
                                 const std::string& path);
  absl::Status CheckText(const v1::AttributeValue& value,
                         const std::string& path) const;
  void NoteUnknown(const AttributeColumn& column,
                   const v1::AttributeValue& value);
  absl::Status WrongType(const AttributeColumn& column,
                         const v1::AttributeValue& value,
                         const std::string& path);
  // INVALID_ARGUMENT about a field, or about the term that is compiled.
  absl::Status Error(const std::string& path, std::string_view what) const;

  const AttributeView attributes_;
  const ItemFilter::Options& options_;
  ItemFilter& filter_;
  uint32_t terms_ = 0;
  // The term that is compiled, counted from 0.
  size_t term_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_FILTER_COMPILER_H_
