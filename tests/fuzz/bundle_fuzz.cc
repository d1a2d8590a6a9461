// Bundles with wrong contents and right hashes. The input is a list of changes
// of eight bytes each, to a small bundle with every part that a bundle may
// have:
//
//   byte 0     which file, in the order of their names, or, beyond the files,
//              the manifest: a new file moves those after it, and corpus/bundle
//              must follow
//   byte 1     what to do: see ChangeFile and ChangeManifest
//   bytes 2-3  where: an entry of the file, or a number of the manifest
//   bytes 4-7  a value, or the choice of one
//
// What verification accepts must make retrievers, and these must answer as
// server/retrieval/retriever.h promises. Its attributes must make filters that
// pass the same items whether they are asked about all or about one.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/row_set.h"
#include "index/bundle/sha256.h"
#include "index/filter/item_filter.h"
#include "index/search/coded_index.h"
#include "index/search/faiss_searcher.h"
#include "index/verify/verify_version.h"
#include "server/retrieval/retriever.h"
#include "tests/fuzz/fuzz_target.h"

namespace tributary {
namespace {

namespace pb = google::protobuf;

constexpr uint64_t kItems = 40;
constexpr uint64_t kUsers = 12;
constexpr uint32_t kDim = 8;
constexpr size_t kMaxChanges = 8;

constexpr char kManifest[] = R"pb(
  items { kind: UTF8 count: 40 }
  users { kind: UINT64 count: 12 }
  spaces {
    name: "flat"
    dim: 8
    metric: INNER_PRODUCT
    fingerprint: "f"
    item_vectors: 30
    user_vectors: 6
    history_encoder: MEAN
    index { kind: "flat" }
  }
  spaces {
    name: "codes"
    dim: 8
    metric: COSINE
    fingerprint: "c"
    item_vectors: 40
    user_vectors: 12
    index {
      kind: "ivf"
      code_dims: 2
      probes: 2
      reranked: 20
      measured_n: 10
      small_n_exponent: 1
    }
  }
  spaces {
    name: "scalar"
    dim: 8
    metric: INNER_PRODUCT
    fingerprint: "g"
    item_vectors: 40
    user_vectors: 12
    index { kind: "faiss" }
  }
  spaces {
    name: "lists"
    dim: 8
    metric: INNER_PRODUCT
    fingerprint: "l"
    item_vectors: 40
    user_vectors: 12
    index { kind: "faiss" nprobe: 2 }
  }
  spaces {
    name: "tower"
    dim: 8
    metric: COSINE
    fingerprint: "t"
    item_vectors: 40
    history_encoder: TOWER
    index { kind: "flat" }
    user_tower {
      history {
        dim: 8
        item_vectors: 40
        max_items: 10
        pooling: DECAYED_MEAN
        decays: 0.5
      }
      features { kind: CATEGORIES column: "city" dim: 7 categories: 2 }
      features { kind: NUMBER column: "age" dim: 1 log1p: true scale: 0.5 }
      context_dim: 8
      context_vectors: 12
      default_context: [ 1, 0, 0, 0, 0, 0, 0, 0 ]
      layers { kind: LINEAR weights: "w.npy" bias: "b.npy" }
      layers { kind: RELU }
      layers { kind: APPEND_ONE }
      layers { kind: LINEAR weights: "v.npy" bias: "a.npy" }
      layers { kind: L2_NORMALIZE }
      interests: 2
    }
  }
  popularity { name: "all" count: 40 }
  popularity { name: "plan=gold" count: 10 segment: 1 begin: 0 }
  popularity { name: "items-kind=film" count: 10 category: 1 begin: 10 }
  popularity { name: "items-kind=book" count: 5 category: 2 begin: 20 }
  neighbors { name: "near" width: 4 }
  attributes { name: "in_stock" type: BOOLEAN values: 2 }
  attributes { name: "brand" type: CATEGORY values: 3 }
  attributes { name: "tags" type: TAGS values: 4 }
  attributes { name: "year" type: INTEGER values: 13 }
  attributes { name: "price" type: NUMBER values: 40 }
  attributes { name: "created_at" type: TIME values: 7 }
  retrievers { name: "flat" kind: "vector" space: "flat" }
  retrievers { name: "codes" kind: "vector" space: "codes" }
  retrievers { name: "scalar" kind: "vector" space: "scalar" }
  retrievers { name: "lists" kind: "vector" space: "lists" }
  retrievers { name: "tower" kind: "vector" space: "tower" }
  retrievers {
    name: "near"
    kind: "neighbors"
    table: "near"
    decay: 0.5
    max_history: 10
  }
  retrievers {
    name: "kind"
    kind: "category_popularity"
    decay: 1
    max_history: 10
  }
  retrievers {
    name: "popular"
    kind: "popularity"
    lists: "all"
    by_segment: true
  }
  fusion {
    segments {
      weights { key: "flat" value: 1 }
      intercept: -3
    }
    quotas { retriever: "flat" share: 0.5 }
  }
)pb";

void RequireOk(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  Require(status.ok());
}

// `count` values within -1 to 1 that differ from call to call.
std::vector<float> Values(size_t count) {
  static uint32_t state = 1;
  std::vector<float> values(count);
  for (float& value : values) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31F;
  }
  return values;
}

std::vector<Row> RowsFrom(Row first, Row step, size_t count) {
  std::vector<Row> rows;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back((first + static_cast<Row>(i) * step) % kItems);
  }
  return rows;
}

template <typename T>
void Add(BundleWriter* writer, std::string_view name,
         const std::vector<T>& values, uint64_t columns = 0) {
  RequireOk(writer->AddArray<T>(name, values, columns));
}

void AddSpaces(BundleWriter* writer, v1::Manifest* manifest) {
  Add(writer, "flat.items.npy", Values(30 * kDim), kDim);
  Add(writer, "flat.items.rows.npy", RowsFrom(5, 1, 30));
  Add(writer, "flat.users.npy", Values(6 * kDim), kDim);
  Add<Row>(writer, "flat.users.rows.npy", {0, 2, 4, 6, 8, 10});
  for (const std::string name : {"codes", "scalar", "lists", "tower"}) {
    const std::vector<float> items = Values(kItems * kDim);
    Add(writer, name + ".items.npy", items, kDim);
    if (name != "tower") {
      Add(writer, name + ".users.npy", Values(kUsers * kDim), kDim);
    }
    if (name == "codes") {
      auto arrays = EncodeVectors(items, kDim, 2, 4, 1);
      RequireOk(arrays.status());
      manifest->mutable_spaces(1)->mutable_index()->set_lists(
          arrays->view().lists());
      RequireOk(WriteCodedArrays(name, *arrays, writer));
    }
    if (name != "scalar" && name != "lists") continue;
    const auto searcher = FaissSearcher::Train(
        name == "scalar" ? "SQ8" : "IVF3,SQ8", items, kDim);
    RequireOk(searcher.status());
    RequireOk(writer->AddFile(name + ".index", [&](const auto& path) {
      return searcher->Write(path);
    }));
  }
  Add(writer, "tower.history.npy", Values(kItems * kDim), kDim);
  Add(writer, "tower.context.npy", Values(kUsers * kDim), kDim);
  Add(writer, "tower.user_tower.0.npy", Values(3 * 7), 7);
  RequireOk(
      writer->AddKeys("tower.user_tower.0", {v1::UTF8, {}, {"lima", "paris"}}));
  Add(writer, "w.npy", Values(16 * 10), 16);
  Add(writer, "b.npy", Values(10));
  Add(writer, "v.npy", Values(11 * 16), 11);
  Add(writer, "a.npy", Values(16));
}

void AddLists(BundleWriter* writer) {
  std::vector<float> scores;
  for (size_t i = 0; i < kItems; ++i) scores.push_back(50.0F - 1.0F * i);
  Add(writer, "popularity.all.npy", RowsFrom(3, 7, kItems));
  Add(writer, "popularity.all.scores.npy", scores);
  Add(writer, "popularity.lists.npy", RowsFrom(1, 3, 25));
  scores.resize(25);
  Add(writer, "popularity.lists.scores.npy", scores);
  std::vector<Row> near;
  for (Row item = 0; item < kItems; ++item) {
    for (Row i = 1; i <= 4; ++i) {
      near.push_back(i == 4 && item % 3 == 0 ? kNoRow
                                             : (item + i * i) % kItems);
    }
  }
  Add(writer, "neighbors.near.rows.npy", near, 4);
  Add(writer, "neighbors.near.scores.npy", Values(kItems * 4), 4);
  std::vector<uint64_t> offsets, wanted;
  for (uint64_t user = 0; user <= kUsers; ++user) offsets.push_back(3 * user);
  for (uint64_t user = 0; user < kUsers; ++user) wanted.push_back(3 * user + 1);
  Add(writer, "seen.offsets.npy", offsets);
  Add(writer, "seen.wanted.npy", wanted);
  Add(writer, "seen.rows.npy", RowsFrom(2, 11, 3 * kUsers));
  Add(writer, "users.segments.npy",
      std::vector<uint16_t>{0, 1, 0, 1, 2, 0, 0, 1, 9, 0, 0, 1});
  std::vector<uint16_t> categories;
  for (Row item = 0; item < kItems; ++item) {
    categories.push_back(static_cast<uint16_t>(item % 3));
    categories.push_back(item % 3 == 1 ? 2 : 0);
  }
  Add(writer, "items.categories.npy", categories, 2);
}

// The values of an attribute that items have one of: item i has values[i], and
// no value where that is the size of the dictionary.
void AddCodes(BundleWriter* writer, v1::Attribute* attribute,
              const std::vector<uint8_t>& codes, bool has_bitmaps) {
  const std::string stem = "attribute." + attribute->name();
  const auto values = static_cast<uint8_t>(attribute->values());
  attribute->set_present(
      static_cast<uint64_t>(kItems - std::ranges::count(codes, values)));
  attribute->set_uses(attribute->present());
  Add(writer, stem + ".codes.npy", codes, kItems);
  if (!has_bitmaps) return;
  std::vector<uint32_t> frequent;
  std::vector<uint64_t> bitmaps;
  for (uint8_t code = 0; code < values; ++code) {
    RowSet rows(kItems);
    for (Row item = 0; item < kItems; ++item) {
      if (codes[item] == code) rows.Add(item);
    }
    frequent.push_back(code);
    bitmaps.push_back(rows.words()[0]);
  }
  attribute->set_frequent(frequent.size());
  Add(writer, stem + ".frequent.npy", frequent);
  Add(writer, stem + ".bitmaps.npy", bitmaps, 1);
}

// Tag t has every (t + 2)nd item, and only the first tag has a bitmap.
void AddTags(BundleWriter* writer, v1::Attribute* attribute) {
  RequireOk(writer->AddKeys(
      "attribute.tags", {v1::UTF8, {}, {"new", "sale", "toys", "t\xC3\xA9"}}));
  std::vector<Row> items;
  std::vector<uint64_t> offsets = {0};
  RowSet tagged(kItems), first(kItems);
  for (Row tag = 0; tag < 4; ++tag) {
    for (Row item = tag; item < kItems; item += tag + 2) {
      items.push_back(item);
      tagged.Add(item);
      if (tag == 0) first.Add(item);
    }
    offsets.push_back(items.size());
  }
  attribute->set_present(tagged.Count());
  attribute->set_uses(items.size());
  attribute->set_frequent(1);
  Add(writer, "attribute.tags.items.npy", items);
  Add(writer, "attribute.tags.items.offsets.npy", offsets);
  Add<uint32_t>(writer, "attribute.tags.frequent.npy", {0});
  Add<uint64_t>(writer, "attribute.tags.bitmaps.npy", {first.words()[0]}, 1);
}

void AddAttributes(BundleWriter* writer, v1::Manifest* manifest) {
  for (v1::Attribute& attribute : *manifest->mutable_attributes()) {
    if (attribute.type() == v1::TAGS) {
      AddTags(writer, &attribute);
      continue;
    }
    const auto values = static_cast<Row>(attribute.values());
    std::vector<uint8_t> codes;
    // The last of the values and one more, which is none, come as often as the
    // others.
    for (Row item = 0; item < kItems; ++item) {
      codes.push_back(static_cast<uint8_t>(item * 7 % (values + 1)));
    }
    const bool has_bitmaps =
        attribute.type() == v1::BOOLEAN || attribute.type() == v1::CATEGORY;
    AddCodes(writer, &attribute, codes, has_bitmaps);
    std::vector<int64_t> integers;
    std::vector<double> numbers;
    for (Row i = 0; i < values; ++i) {
      integers.push_back(int64_t{i} * 86'400'000 - 200'000'000);
      numbers.push_back(i * 0.5 - 3);
    }
    const std::string file = "attribute." + attribute.name() + ".values.npy";
    if (attribute.type() == v1::CATEGORY) {
      RequireOk(writer->AddKeys("attribute.brand",
                                {v1::UTF8, {}, {"acme", "bolt", "core"}}));
    } else if (attribute.type() == v1::NUMBER) {
      Add(writer, file, numbers);
    } else if (attribute.type() != v1::BOOLEAN) {
      Add(writer, file, integers);
    }
  }
}

// The bundle, and what of it the last input has changed.
class Target {
 public:
  Target() {
    const std::filesystem::path root = FuzzDir() / "bundles";
    std::filesystem::create_directories(root);
    auto writer = BundleWriter::Create(root, 1);
    RequireOk(writer.status());
    KeyList items{v1::UTF8, {}, {}}, users{v1::UINT64, {}, {}};
    for (uint64_t i = 0; i < kItems; ++i) {
      items.strings.push_back("item-\xC3\xA9-" + std::to_string(100 + i));
    }
    for (uint64_t i = 0; i < kUsers; ++i) users.ids.push_back(10 * i);
    RequireOk(writer->AddKeys("items", items));
    RequireOk(writer->AddKeys("users", users));
    v1::Manifest manifest;
    Require(pb::TextFormat::ParseFromString(kManifest, &manifest));
    AddSpaces(&*writer, &manifest);
    AddLists(&*writer);
    AddAttributes(&*writer, &manifest);
    const auto dir = writer->Finish(manifest);
    RequireOk(dir.status());
    dir_ = *dir;
    manifest_ = (*Bundle::Open(dir_))->manifest();
    for (const v1::FileEntry& file : manifest_.files()) {
      std::ifstream in(dir_ / file.name(), std::ios::binary);
      whole_[file.name()] = {std::istreambuf_iterator<char>(in), {}};
    }
    changed_.resize(whole_.size());
    // A bundle without a change must pass, or nothing is tested.
    RequireOk(VerifyVersion(dir_));
  }

  // The original, to be changed.
  v1::Manifest manifest() const { return manifest_; }
  const std::map<std::string, std::string>& files() const { return whole_; }

  // Writes the bundle with these files changed.
  const std::filesystem::path& Write(
      const std::map<std::string, std::string>& changed,
      v1::Manifest manifest) {
    size_t i = 0;
    for (const auto& [name, whole] : whole_) {
      const auto found = changed.find(name);
      const bool is_changed = found != changed.end();
      if (is_changed) {
        WriteInput(dir_ / name, found->second);
      } else if (changed_[i]) {
        WriteInput(dir_ / name, whole);
      }
      changed_[i++] = is_changed;
    }
    for (v1::FileEntry& file : *manifest.mutable_files()) {
      const auto found = changed.find(file.name());
      if (found == changed.end()) continue;
      file.set_size_bytes(found->second.size());
      file.set_sha256(Sha256Hex(std::as_bytes(std::span(found->second))));
    }
    std::string json;
    Require(pb::util::MessageToJsonString(manifest, &json).ok());
    WriteInput(dir_ / kManifestName, json);
    return dir_;
  }

 private:
  std::filesystem::path dir_;
  v1::Manifest manifest_;
  std::map<std::string, std::string> whole_;
  // By file. No memory is kept from run to run: libFuzzer would look for leaks.
  std::vector<bool> changed_;
};

// One change, as the input has it.
struct Step {
  uint8_t target;
  uint8_t action;
  uint16_t at;
  uint32_t value;
};

constexpr uint64_t kNumbers[] = {
    0,          1,          kItems,     kItems - 1,        ~uint64_t{0},
    0xffffffff, 0x80000000, 0x7f800000, uint64_t{1} << 40, 0x7f7fffff,
    0xff7fffff, 0x7fc00000, 1,          uint64_t{1} << 63, 0x20000000};

// Even actions set an entry to the value, odd ones to one of kNumbers; their
// higher bits say how wide it is, and whether it counts from the first byte or
// from the data. Action 255 cuts the file, 254 makes it longer.
void ChangeFile(const Step& step, std::string* bytes) {
  if (step.action == 255) {
    bytes->resize(step.at % (bytes->size() + 1));
    return;
  }
  if (step.action == 254) {
    bytes->append(1 + step.at % 64, '\0');
    return;
  }
  if (bytes->empty()) return;
  const size_t width = size_t{1} << (step.action >> 1 & 3);
  const bool whole = (step.action >> 3 & 7) == 0;
  const auto header = DescribeNpy(std::as_bytes(std::span(*bytes)), "the file");
  const size_t begin =
      whole || !header.ok()
          ? 0
          : std::min<size_t>(header->data_offset, bytes->size());
  const size_t entries = (bytes->size() - begin) / width;
  if (entries == 0) return;
  const uint64_t number = step.action % 2 == 0
                              ? step.value
                              : kNumbers[step.value % std::size(kNumbers)];
  std::memcpy(&(*bytes)[begin + step.at % entries * width], &number, width);
}

// A number somewhere in the manifest.
struct Field {
  pb::Message* message;
  const pb::FieldDescriptor* field;
  // Of a repeated field; -1 for others.
  int index;
};

void FindNumbers(pb::Message* message, std::vector<Field>* numbers) {
  const pb::Reflection* const reflection = message->GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const bool is_message =
        field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
    // Files are changed otherwise, and the order of a map is not fixed.
    if (field->name() == "files" || field->is_map()) continue;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        if (is_message) {
          FindNumbers(reflection->MutableRepeatedMessage(message, field, i),
                      numbers);
        } else {
          numbers->push_back({message, field, i});
        }
      }
    } else if (is_message) {
      FindNumbers(reflection->MutableMessage(message, field), numbers);
    } else {
      numbers->push_back({message, field, -1});
    }
  }
}

double DoubleOf(const Step& step) {
  constexpr double kDoubles[] = {0,
                                 1,
                                 -1,
                                 1e308,
                                 1e-300,
                                 1e15,
                                 1e16,
                                 0.5,
                                 2,
                                 1001,
                                 1e30,
                                 65536,
                                 std::numeric_limits<double>::quiet_NaN(),
                                 std::numeric_limits<double>::infinity()};
  return kDoubles[step.value % std::size(kDoubles)];
}

void SetNumber(const Step& step, const Field& to) {
  const pb::Reflection* const reflection = to.message->GetReflection();
  const uint64_t number = step.action % 2 == 0
                              ? step.value
                              : kNumbers[step.value % std::size(kNumbers)];
  const auto set = [&](auto single, auto repeated, auto value) {
    if (to.index < 0) {
      (reflection->*single)(to.message, to.field, value);
    } else {
      (reflection->*repeated)(to.message, to.field, to.index, value);
    }
  };
  using R = pb::Reflection;
  switch (to.field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return set(&R::SetUInt32, &R::SetRepeatedUInt32,
                 static_cast<uint32_t>(number));
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return set(&R::SetUInt64, &R::SetRepeatedUInt64, number);
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      return set(&R::SetDouble, &R::SetRepeatedDouble, DoubleOf(step));
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
      return set(&R::SetFloat, &R::SetRepeatedFloat,
                 static_cast<float>(DoubleOf(step)));
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return set(&R::SetEnumValue, &R::SetRepeatedEnumValue,
                 static_cast<int>(step.value % 8));
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return set(&R::SetBool, &R::SetRepeatedBool, step.value % 2 == 1);
    default:
      return;
  }
}

void ChangeManifest(const Step& step, v1::Manifest* manifest) {
  std::vector<Field> numbers;
  FindNumbers(manifest, &numbers);
  const Field& field = numbers[step.at % numbers.size()];
  if (step.action == 255 && field.index < 0) {
    field.message->GetReflection()->ClearField(field.message, field.field);
    return;
  }
  SetNumber(step, field);
}

void CheckAnswer(const std::vector<ScoredRow>& proposals,
                 const RetrieverQuery& query, uint32_t n, uint64_t items) {
  Require(proposals.size() <= n);
  std::vector<Row> rows;
  for (size_t i = 0; i < proposals.size(); ++i) {
    const auto [row, score] = proposals[i];
    Require(row < items && std::isfinite(score));
    Require(i == 0 || score <= proposals[i - 1].score);
    Require(
        !std::binary_search(query.excluded.begin(), query.excluded.end(), row));
    rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  Require(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
}

void AskAll(const Bundle& bundle, const v1::RetrieverSpec& spec,
            const Retriever& retriever) {
  const std::vector<float> values(8, 3e38F);
  const std::vector<SpaceVector> vectors = {{spec.space(), values}};
  const std::vector<Row> history = {0, 5, 1};
  const std::vector<Row> excluded = {0, 1, 7};
  const std::vector<std::string_view> cities = {"paris", "", "nowhere"};
  const std::vector<UserFeature> features = {{"age", {}, -1e15F},
                                             {"city", cities}};
  const auto user = static_cast<Row>(bundle.users().size() > 4 ? 4 : kNoRow);
  std::vector<RetrieverQuery> queries = {
      {.user = 0, .segment = 1, .excluded = excluded},
      {.user = user, .history = history, .segment = bundle.Segment(4)},
      {.history = history, .excluded = excluded},
      {.user = user, .user_features = features, .segment = 1}};
  if (bundle.users().size() == 0) queries.erase(queries.begin());
  const EmbeddingSpace* const space = bundle.FindSpace(spec.space());
  if (space != nullptr && space->spec->dim() == values.size()) {
    queries.push_back({.vectors = vectors});
  }
  std::vector<ScoredRow> proposals;
  for (const RetrieverQuery& query : queries) {
    for (const uint32_t n : {1U, 10U, 2000U}) {
      const auto ask = retriever.Retrieve(query, n, &proposals);
      RequireOk(ask.status());
      CheckAnswer(proposals, query, n, bundle.items().size());
    }
  }
}

void CheckFilter(const Bundle& bundle, const v1::Predicate& predicate) {
  const auto filter = ItemFilter::Compile(bundle, predicate, {});
  RequireOk(filter.status());
  const RowSet passing = filter->Evaluate();
  for (uint64_t i = 0; i < bundle.items().size(); ++i) {
    const auto item = static_cast<Row>(i);
    Require(passing.Has(item) == filter->Passes(item));
  }
}

// The value of a code, as a predicate has it.
v1::AttributeValue ValueOf(const AttributeColumn& column, uint32_t code) {
  v1::AttributeValue value;
  switch (column.type()) {
    case v1::BOOLEAN:
      value.set_flag(code == 1);
      break;
    case v1::INTEGER:
      value.set_integer(column.integers()[code]);
      break;
    case v1::NUMBER:
      value.set_number(column.Number(code));
      break;
    default:
      value.set_text(column.ValueText(code));
  }
  return value;
}

void AskAttribute(const Bundle& bundle, const AttributeColumn& column) {
  v1::Predicate predicate;
  v1::Term& term = *predicate.mutable_term();
  term.set_attribute(column.name());
  term.set_exists(true);
  CheckFilter(bundle, predicate);
  const uint32_t values = column.values();
  if (values == 0) return;
  for (const uint32_t code : {0U, values / 2, values - 1}) {
    // A time may be beyond those that have a text.
    Require(!column.ValueText(code).empty());
    if (column.type() == v1::TIME) continue;
    *term.mutable_equals() = ValueOf(column, code);
    CheckFilter(bundle, predicate);
    if (column.type() == v1::TAGS || column.type() == v1::BOOLEAN) continue;
    *term.mutable_range()->mutable_at_least() = ValueOf(column, code);
    CheckFilter(bundle, predicate);
    *term.mutable_range()->mutable_below() = ValueOf(column, values - 1);
    CheckFilter(bundle, predicate);
  }
  if (column.type() != v1::TIME) return;
  term.mutable_range()->mutable_above()->set_text("1970-01-02");
  CheckFilter(bundle, predicate);
}

void Run(const uint8_t* data, size_t size) {
  static Target& target = *new Target;
  static const RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  v1::Manifest manifest = target.manifest();
  std::map<std::string, std::string> changed;
  for (size_t i = 0; (i + 1) * 8 <= size && i < kMaxChanges; ++i) {
    Step step;
    std::memcpy(&step, data + i * 8, sizeof(step));
    const size_t file = step.target % (target.files().size() + 8);
    if (file >= target.files().size()) {
      ChangeManifest(step, &manifest);
      continue;
    }
    const auto& [name, whole] =
        *std::next(target.files().begin(), static_cast<int64_t>(file));
    ChangeFile(step, &changed.try_emplace(name, whole).first->second);
  }
  const auto bundle = Bundle::Open(target.Write(changed, manifest));
  if (!bundle.ok() || !VerifyOpened(**bundle).ok()) return;
  for (const v1::RetrieverSpec& spec : (*bundle)->manifest().retrievers()) {
    const auto retriever = registry.Make(**bundle, spec);
    RequireOk(retriever.status());
    AskAll(**bundle, spec, **retriever);
  }
  for (const AttributeColumn& column : (*bundle)->attributes()) {
    AskAttribute(**bundle, column);
  }
}

}  // namespace
}  // namespace tributary

// What libgomp allocates for a parallel region of FAISS it frees in the next,
// so that libFuzzer would look for leaks after every run, for five times as
// long as the run. Leaks are found by the tests with AddressSanitizer.
// NOLINTNEXTLINE: the sanitizer's name.
extern "C" int __lsan_is_turned_off() { return 1; }

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tributary::Run(data, size);
  return 0;
}
