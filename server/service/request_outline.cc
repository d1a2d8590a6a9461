// The wire format (https://protobuf.dev/programming-guides/encoding): a message
// is a sequence of fields, each a tag, i.e. a number and a wire type, and a
// value. A list is its elements' fields in any order, or, for numbers, one
// field of bytes with all of them ("packed"); a map is a list of entries.
#include "server/service/request_outline.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "index/filter/where.h"
#include "server/pipeline/plan_caps.h"
#include "server/pipeline/plan_factors.h"
#include "server/pipeline/plan_features.h"
#include "server/pipeline/plan_sets.h"
#include "server/pipeline/query_check.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/quoted.h"
#include "text/utf8.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using Request = v1::RetrieveRequest;

// Fields that this server's retrieval.proto does not have are kept with the
// message; newer clients have a few.
constexpr uint32_t kMaxUnknownFields = 256;
// A vector belongs to a space of the bundle, of which there are a handful.
constexpr uint32_t kMaxVectors = 64;
constexpr uint32_t kMaxRelaxedFields = 64;
// A list of predicates is a message of its own; below the last one there are a
// term, its range and its value.
constexpr int kMaxPredicateMessages = 2 * kMaxPredicateDepth + 3;
// A term's predicate, term, range and two values; and a list and a negation.
constexpr uint64_t kMessagesPerTerm = 7;

// Deeper ones are not parsed by protobuf.
constexpr int kMaxMessageDepth = 100;

// One field of a message.
struct WireField {
  int number = 0;
  WireFormatLite::WireType type = WireFormatLite::WIRETYPE_VARINT;
  // Of a varint.
  uint64_t value = 0;
  // Of a field with a length, and of a group (which proto3 has not).
  std::string_view bytes;
};

// Reads the fields of a message one by one.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : bytes_(bytes),
        input_(reinterpret_cast<const uint8_t*>(bytes.data()),
               static_cast<int>(bytes.size())) {}

  // False at the end, and when what follows is no field.
  bool Next(WireField* field) {
    const uint32_t tag = input_.ReadTag();
    if (tag == 0) {
      broken_ = !input_.ConsumedEntireMessage() ||
                static_cast<size_t>(input_.CurrentPosition()) != bytes_.size();
      return false;
    }
    *field = WireField();
    field->number = WireFormatLite::GetTagFieldNumber(tag);
    field->type = WireFormatLite::GetTagWireType(tag);
    broken_ = field->number == 0 || !ReadValue(tag, field);
    return !broken_;
  }

  // Whether the bytes are no message, once Next has returned false.
  bool broken() const { return broken_; }

 private:
  bool ReadValue(uint32_t tag, WireField* field) {
    if (field->type == WireFormatLite::WIRETYPE_VARINT) {
      return input_.ReadVarint64(&field->value);
    }
    auto begin = static_cast<size_t>(input_.CurrentPosition());
    if (field->type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&input_, tag)) return false;
      field->bytes = bytes_.substr(
          begin, static_cast<size_t>(input_.CurrentPosition()) - begin);
      return true;
    }
    uint32_t length = 0;
    if (!input_.ReadVarint32(&length)) return false;
    begin = static_cast<size_t>(input_.CurrentPosition());
    if (length > bytes_.size() - begin) return false;
    field->bytes = bytes_.substr(begin, length);
    return input_.Skip(static_cast<int>(length));
  }

  const std::string_view bytes_;
  google::protobuf::io::CodedInputStream input_;
  bool broken_ = false;
};

absl::Status NotAMessage(std::string_view name) {
  return FieldError("request",
                    "the bytes are not a {}; was the client built from another "
                    "retrieval.proto?",
                    name);
}

// How protobuf reads a type of message. It keeps a field whose number it does
// not know, or whose wire type is not the field's, as an unknown one: up to
// fifty bytes of memory for two on the wire.
struct Shape {
  static constexpr int kMaxNumber = 31;
  // By field number: the wire types that are the field's, a bit for each.
  std::array<uint8_t, kMaxNumber + 1> wire_types{};
  // By field number: the shape of a message in the field.
  std::array<const Shape*, kMaxNumber + 1> messages{};

  bool Knows(const WireField& field) const {
    return field.number <= kMaxNumber &&
           (wire_types[static_cast<size_t>(field.number)] >>
                static_cast<int>(field.type) &
            1) != 0;
  }
};

uint8_t WireTypesOf(const FieldDescriptor& field) {
  const auto bit = [](WireFormatLite::WireType type) {
    return static_cast<uint8_t>(1 << static_cast<int>(type));
  };
  const uint8_t own = bit(WireFormatLite::WireTypeForFieldType(
      static_cast<WireFormatLite::FieldType>(field.type())));
  if (!field.is_packable()) return own;
  return own | bit(WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

using Shapes = std::map<const Descriptor*, Shape*>;

// The shape of a type, which may contain itself, and in *shapes those of the
// types that it contains. REQUIRES: its numbers are at most kMaxNumber. Lives
// as long as the process.
const Shape* MakeShape(const Descriptor& type, Shapes* shapes) {
  Shape*& shape = (*shapes)[&type];
  if (shape != nullptr) return shape;
  shape = new Shape;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto number = static_cast<size_t>(field.number());
    if (number > Shape::kMaxNumber) std::abort();
    shape->wire_types[number] = WireTypesOf(field);
    if (field.message_type() != nullptr) {
      shape->messages[number] = MakeShape(*field.message_type(), shapes);
    }
  }
  return shape;
}

const Shape& RequestShape() {
  static const Shape* const kShape = [] {
    Shapes shapes;
    return MakeShape(*Request::descriptor(), &shapes);
  }();
  return *kShape;
}

// How many varints `field` holds, packed or not.
uint64_t CountVarints(const WireField& field) {
  if (field.type == WireFormatLite::WIRETYPE_VARINT) return 1;
  return static_cast<uint64_t>(std::ranges::count_if(
      field.bytes, [](char c) { return (c & 0x80) == 0; }));
}

// How many fields an unknown one is: a group is itself and all that it holds.
uint64_t CountUnknown(const WireField& field) {
  if (field.type != WireFormatLite::WIRETYPE_START_GROUP) return 1;
  uint64_t count = 1;
  google::protobuf::io::CodedInputStream input(
      reinterpret_cast<const uint8_t*>(field.bytes.data()),
      static_cast<int>(field.bytes.size()));
  while (const uint32_t tag = input.ReadTag()) {
    ++count;
    const auto type = WireFormatLite::GetTagWireType(tag);
    if (type == WireFormatLite::WIRETYPE_START_GROUP ||
        type == WireFormatLite::WIRETYPE_END_GROUP) {
      continue;
    }
    if (!WireFormatLite::SkipField(&input, tag)) break;
  }
  return count;
}

// How many elements the lists of a request have.
struct ListSizes {
  uint64_t vectors = 0;
  uint64_t recent_ids = 0;
  uint64_t recent_keys = 0;
  uint64_t excluded = 0;
  uint64_t relaxed = 0;
  uint64_t excluded_sets = 0;
  // The messages that a predicate consists of, and how deep they are nested.
  uint64_t predicate = 0;
  int predicate_depth = 0;
  uint64_t caps = 0;
  uint64_t boosts = 0;
  // Those of all boosts together.
  uint64_t boost_predicates = 0;
  int boost_depth = 0;
  uint64_t weights = 0;
  // Of like and unlike together.
  uint64_t weighted_items = 0;
  uint64_t recent_weights = 0;
  uint64_t queries = 0;
  // The most values that one of them has.
  uint64_t query_values = 0;
  uint64_t features = 0;
  // Those of all features together.
  uint64_t categories = 0;
  // In it and in the messages that it holds.
  uint64_t unknown = 0;
};

// Reads `bytes`, a message of this shape: calls on_field(field) with each field
// that it has, and counts the others, and those of the messages in it. False
// when the bytes are no message.
template <typename OnField>
bool ReadMessage(const Shape& shape, std::string_view bytes, ListSizes* sizes,
                 const OnField& on_field) {
  WireReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (!shape.Knows(field)) {
      sizes->unknown += CountUnknown(field);
    } else if (!on_field(field)) {
      return false;
    }
  }
  return !reader.broken();
}

// Counts what a message holds that is not known.
bool CountWithin(const Shape& shape, std::string_view bytes, ListSizes* sizes) {
  return ReadMessage(shape, bytes, sizes, [&](const WireField& field) {
    const Shape* const within =
        shape.messages[static_cast<size_t>(field.number)];
    return within == nullptr || CountWithin(*within, field.bytes, sizes);
  });
}

// Counts the messages of a predicate, down to the depth that is allowed, in
// *messages, and the depth in *deepest.
bool CountPredicate(const Shape& shape, std::string_view bytes, int depth,
                    ListSizes* sizes, uint64_t* messages, int* deepest) {
  *deepest = std::max(*deepest, depth);
  if (depth > kMaxPredicateMessages) return true;
  return ReadMessage(shape, bytes, sizes, [&](const WireField& field) {
    const Shape* const within =
        shape.messages[static_cast<size_t>(field.number)];
    if (within == nullptr) return true;
    ++*messages;
    return CountPredicate(*within, field.bytes, depth + 1, sizes, messages,
                          deepest);
  });
}

bool CountFilter(const Shape& shape, std::string_view bytes, ListSizes* sizes) {
  return ReadMessage(shape, bytes, sizes, [&](const WireField& field) {
    switch (field.number) {
      case v1::Filter::kExcludeItemIdsFieldNumber:
        sizes->excluded += CountVarints(field);
        return true;
      case v1::Filter::kExcludeItemKeysFieldNumber:
        ++sizes->excluded;
        return true;
      case v1::Filter::kRelaxFieldNumber:
        ++sizes->relaxed;
        return true;
      case v1::Filter::kExcludeSetsFieldNumber:
        ++sizes->excluded_sets;
        return true;
      case v1::Filter::kPredicateFieldNumber:
        return CountPredicate(
            *shape.messages[v1::Filter::kPredicateFieldNumber], field.bytes, 1,
            sizes, &sizes->predicate, &sizes->predicate_depth);
      default:
        return true;
    }
  });
}

bool CountBoost(const Shape& shape, std::string_view bytes, ListSizes* sizes) {
  return ReadMessage(shape, bytes, sizes, [&](const WireField& field) {
    if (field.number != v1::Boost::kPredicateFieldNumber) return true;
    // A predicate may come in parts, each a message.
    ++sizes->boost_predicates;
    return CountPredicate(*shape.messages[v1::Boost::kPredicateFieldNumber],
                          field.bytes, 1, sizes, &sizes->boost_predicates,
                          &sizes->boost_depth);
  });
}

bool CountFusion(const Shape& shape, std::string_view bytes, ListSizes* sizes) {
  return ReadMessage(shape, bytes, sizes, [&](const WireField& field) {
    if (field.number != v1::Fusion::kWeightsFieldNumber) return true;
    ++sizes->weights;
    return CountWithin(*shape.messages[v1::Fusion::kWeightsFieldNumber],
                       field.bytes, sizes);
  });
}

// How many floats `field` holds, packed or not.
uint64_t CountFloats(const WireField& field) {
  return std::max<uint64_t>(field.bytes.size() / sizeof(float), 1);
}

bool CountQuery(const Shape& shape, std::string_view bytes, ListSizes* sizes) {
  ++sizes->queries;
  uint64_t values = 0;
  const bool is_message =
      ReadMessage(shape, bytes, sizes, [&](const WireField& field) {
        if (field.number == v1::SpaceQuery::kValuesFieldNumber) {
          values += CountFloats(field);
        }
        return true;
      });
  sizes->query_values = std::max(sizes->query_values, values);
  return is_message;
}

bool CountFeature(const Shape& shape, std::string_view bytes,
                  ListSizes* sizes) {
  ++sizes->features;
  // An entry of a map: the name is field 1, and the value field 2.
  return ReadMessage(shape, bytes, sizes, [&](const WireField& entry) {
    const Shape* const value =
        shape.messages[static_cast<size_t>(entry.number)];
    if (value == nullptr) return true;
    return ReadMessage(*value, entry.bytes, sizes, [&](const WireField& field) {
      sizes->categories +=
          field.number == v1::FeatureValue::kCategoriesFieldNumber;
      return true;
    });
  });
}

// Reads one field of a request. False when the bytes within it are no message.
bool Count(const WireField& field, RequestOutline* outline, ListSizes* sizes) {
  const Shape* const within =
      RequestShape().messages[static_cast<size_t>(field.number)];
  switch (field.number) {
    case Request::kKFieldNumber:
      outline->k = static_cast<uint32_t>(field.value);
      return true;
    case Request::kQuotasFieldNumber:
      ++outline->quotas;
      return CountWithin(*within, field.bytes, sizes);
    case Request::kFusionFieldNumber:
      return CountFusion(*within, field.bytes, sizes);
    case Request::kVectorsFieldNumber:
      ++sizes->vectors;
      return CountWithin(*within, field.bytes, sizes);
    case Request::kRecentItemIdsFieldNumber:
      sizes->recent_ids += CountVarints(field);
      return true;
    case Request::kRecentItemKeysFieldNumber:
      ++sizes->recent_keys;
      return true;
    case Request::kFilterFieldNumber:
      return CountFilter(*within, field.bytes, sizes);
    case Request::kLikeFieldNumber:
    case Request::kUnlikeFieldNumber:
      ++sizes->weighted_items;
      return CountWithin(*within, field.bytes, sizes);
    case Request::kRecentItemWeightsFieldNumber:
      sizes->recent_weights += CountFloats(field);
      return true;
    case Request::kQueriesFieldNumber:
      return CountQuery(*within, field.bytes, sizes);
    case Request::kUserFeaturesFieldNumber:
      return CountFeature(*within, field.bytes, sizes);
    case Request::kDiversityFieldNumber:
      outline->diversity = true;
      return CountWithin(*within, field.bytes, sizes);
    case Request::kCapsFieldNumber:
      ++sizes->caps;
      outline->caps = true;
      return CountWithin(*within, field.bytes, sizes);
    case Request::kBoostsFieldNumber:
      ++sizes->boosts;
      return CountBoost(*within, field.bytes, sizes);
    case Request::kDecayFieldNumber:
      return CountWithin(*within, field.bytes, sizes);
    case Request::kBundleVersionFieldNumber:
      outline->bundle_version = field.value;
      return true;
    case Request::kBundleLabelFieldNumber:
      outline->bundle_label = field.bytes;
      return true;
    case Request::kPageTokenFieldNumber:
      outline->page_token = field.bytes;
      return true;
    default:
      return true;
  }
}

// The lists that say what to search for. The same words as CheckQuery's.
absl::Status CheckQuerySizes(const ListSizes& sizes, const v1::Limits& limits) {
  if (sizes.weighted_items > limits.max_recent_items()) {
    return FieldError("like",
                      "{} items with those of unlike, limits.max_recent_items "
                      "is {}",
                      sizes.weighted_items, limits.max_recent_items());
  }
  if (sizes.recent_weights > limits.max_recent_items()) {
    return FieldError("recent_item_weights",
                      "{} weights, limits.max_recent_items is {}",
                      sizes.recent_weights, limits.max_recent_items());
  }
  if (sizes.queries > kMaxQueries) {
    return FieldError("queries", "{} vectors, at most {} are allowed",
                      sizes.queries, kMaxQueries);
  }
  if (sizes.query_values > limits.max_vector_dim()) {
    return FieldError("queries",
                      "a vector has {} values, limits.max_vector_dim is {}",
                      sizes.query_values, limits.max_vector_dim());
  }
  if (sizes.features > kMaxUserFeatures) {
    return FieldError("user_features", "{} features, at most {} are allowed",
                      sizes.features, kMaxUserFeatures);
  }
  // Names and categories have so many bytes together; empty categories have
  // none, but take memory.
  if (sizes.categories > limits.max_where_bytes()) {
    return FieldError("user_features",
                      "{} categories, limits.max_where_bytes is {}",
                      sizes.categories, limits.max_where_bytes());
  }
  return absl::OkStatus();
}

// The same words as CheckRequest's (server/pipeline), which sees what a message
// has after equal keys of maps have become one.
absl::Status CheckSizes(const RequestOutline& outline, const ListSizes& sizes,
                        const v1::Limits& limits) {
  if (outline.quotas > limits.max_quotas()) {
    return FieldError("quotas", "{} quotas, limits.max_quotas is {}",
                      outline.quotas, limits.max_quotas());
  }
  if (sizes.recent_ids > limits.max_recent_items()) {
    return FieldError("recent_item_ids",
                      "{} items, limits.max_recent_items is {}",
                      sizes.recent_ids, limits.max_recent_items());
  }
  if (sizes.recent_keys > limits.max_recent_items()) {
    return FieldError("recent_item_keys",
                      "{} items, limits.max_recent_items is {}",
                      sizes.recent_keys, limits.max_recent_items());
  }
  if (sizes.excluded > limits.max_exclusions()) {
    return FieldError("filter", "{} exclusions, limits.max_exclusions is {}",
                      sizes.excluded, limits.max_exclusions());
  }
  if (sizes.relaxed > kMaxRelaxedFields) {
    return FieldError("filter.relax", "{} attributes, at most {} are allowed",
                      sizes.relaxed, kMaxRelaxedFields);
  }
  if (sizes.excluded_sets > kMaxExcludedSets) {
    return FieldError("filter.exclude_sets", "{} sets, at most {} are allowed",
                      sizes.excluded_sets, kMaxExcludedSets);
  }
  if (sizes.predicate_depth > kMaxPredicateMessages) {
    return FieldError("filter.predicate", "nested deeper than {}",
                      kMaxPredicateDepth);
  }
  if (sizes.predicate > kMessagesPerTerm * (limits.max_filter_terms() + 1)) {
    return FieldError("filter.predicate",
                      "{} messages, more than a predicate of "
                      "limits.max_filter_terms, {}, needs",
                      sizes.predicate, limits.max_filter_terms());
  }
  if (sizes.caps > kMaxCaps) {
    return FieldError("caps", "{} caps, at most {} are allowed", sizes.caps,
                      kMaxCaps);
  }
  if (sizes.boosts > kMaxBoosts) {
    return FieldError("boosts", "{} boosts, at most {} are allowed",
                      sizes.boosts, kMaxBoosts);
  }
  if (sizes.boost_depth > kMaxPredicateMessages) {
    return FieldError("boosts", "a predicate is nested deeper than {}",
                      kMaxPredicateDepth);
  }
  if (sizes.boost_predicates >
      kMessagesPerTerm * (limits.max_filter_terms() + 1)) {
    return FieldError("boosts",
                      "{} messages in predicates, more than those of "
                      "limits.max_filter_terms, {}, need",
                      sizes.boost_predicates, limits.max_filter_terms());
  }
  RETURN_IF_ERROR(CheckQuerySizes(sizes, limits));
  if (sizes.vectors > kMaxVectors) {
    return FieldError("vectors", "{} vectors, at most {} are allowed",
                      sizes.vectors, kMaxVectors);
  }
  if (sizes.weights > limits.max_quotas()) {
    return FieldError("fusion.weights", "{} weights, limits.max_quotas is {}",
                      sizes.weights, limits.max_quotas());
  }
  if (sizes.unknown > kMaxUnknownFields) {
    return FieldError("request",
                      "{} fields that this server's retrieval.proto does not "
                      "have, at most {} are allowed",
                      sizes.unknown, kMaxUnknownFields);
  }
  return absl::OkStatus();
}

// The field's name with the key or the index of the element, as paths have it.
std::string ElementPath(const std::string& path, const FieldDescriptor& field,
                        std::string_view bytes, uint64_t index) {
  const std::string name =
      path.empty() ? field.name() : fmt::format("{}.{}", path, field.name());
  if (!field.is_repeated()) return name;
  if (!field.is_map()) return fmt::format("{}[{}]", name, index);
  std::string_view key;
  WireReader reader(bytes);
  for (WireField entry; reader.Next(&entry);) {
    if (entry.number == 1) key = entry.bytes;
  }
  return fmt::format("{}[{}]", name, Quoted(key));
}

// The path of the first string of `bytes`, a message of `type`, that is not
// UTF-8. A key of a map is the path of its entry, as is the entry's value.
// Nothing is looked for in messages below kMaxMessageDepth.
std::optional<std::string> FindBrokenText(const Descriptor& type,
                                          std::string_view bytes,
                                          const std::string& path,
                                          int depth = 1) {
  if (depth > kMaxMessageDepth) return std::nullopt;
  std::vector<uint64_t> seen(static_cast<size_t>(type.field_count()));
  WireReader reader(bytes);
  for (WireField wire; reader.Next(&wire);) {
    const FieldDescriptor* field = type.FindFieldByNumber(wire.number);
    if (field == nullptr ||
        wire.type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      continue;
    }
    const uint64_t index = seen[static_cast<size_t>(field->index())]++;
    const bool in_map = type.options().map_entry();
    const auto own_path = [&] {
      return in_map ? path : ElementPath(path, *field, wire.bytes, index);
    };
    if (field->type() == FieldDescriptor::TYPE_STRING) {
      if (!IsUtf8(wire.bytes)) return own_path();
    } else if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
      auto found = FindBrokenText(*field->message_type(), wire.bytes,
                                  own_path(), depth + 1);
      if (found.has_value()) return found;
    }
  }
  return std::nullopt;
}

}  // namespace

RequestOutline OutlineRetrieve(std::string_view bytes,
                               const v1::Limits& limits) {
  RequestOutline outline;
  outline.bytes = bytes;
  ListSizes sizes;
  const bool is_message = ReadMessage(
      RequestShape(), bytes, &sizes,
      [&](const WireField& field) { return Count(field, &outline, &sizes); });
  outline.status = is_message ? CheckSizes(outline, sizes, limits)
                              : NotAMessage(Request::descriptor()->full_name());
  return outline;
}

namespace {

// The outlines of a BatchRetrieveRequest of at most `most` requests.
absl::Status OutlineRequests(std::string_view bytes, const v1::Limits& limits,
                             uint32_t most, std::string_view limit,
                             std::vector<RequestOutline>* entries) {
  entries->clear();
  uint64_t count = 0;
  uint64_t unknown = 0;
  WireReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number != v1::BatchRetrieveRequest::kRequestsFieldNumber ||
        field.type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      ++unknown;
    } else if (++count <= most) {
      entries->push_back(OutlineRetrieve(field.bytes, limits));
    }
  }
  if (reader.broken() || unknown > kMaxUnknownFields) {
    return NotAMessage(v1::BatchRetrieveRequest::descriptor()->full_name());
  }
  if (count > most) {
    return FieldError("requests", "{} requests, {} is {}", count, limit, most);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status OutlineBatch(std::string_view bytes, const v1::Limits& limits,
                          std::vector<RequestOutline>* entries) {
  return OutlineRequests(bytes, limits, limits.max_batch(), "limits.max_batch",
                         entries);
}

absl::Status OutlineStream(std::string_view bytes, const v1::Limits& limits,
                           std::vector<RequestOutline>* entries) {
  return OutlineRequests(bytes, limits, limits.max_stream(),
                         "limits.max_stream", entries);
}

absl::Status WhyUnparsable(std::string_view bytes) {
  const auto path = FindBrokenText(*Request::descriptor(), bytes, "");
  if (!path.has_value()) return NotAMessage(Request::descriptor()->full_name());
  return FieldError(*path, "the text is not UTF-8");
}

}  // namespace tributary
