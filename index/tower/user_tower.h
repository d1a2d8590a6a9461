// Towers: the neural networks of a bundle, as the server runs them. This folder
// runs the layers and weights that a manifest describes, and knows nothing of
// how they were trained.
#ifndef TRIBUTARY_INDEX_TOWER_USER_TOWER_H_
#define TRIBUTARY_INDEX_TOWER_USER_TOWER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "index/bundle/vector_table.h"
#include "index/tower/decayed_sums.h"
#include "index/tower/feature_inputs.h"
#include "index/tower/sequence_encoder.h"
#include "index/tower/tower_layers.h"

namespace tributary {

// A space's user tower. It makes query vectors from histories in three steps:
//
//   1. pool the vectors of the history's items (a table of their own, not those
//      of the space) into one: DecayedSums or SequenceEncoder,
//   2. append the user's context vector, or the default one; features that come
//      with the request replace their parts of it: FeatureInputs,
//   3. apply the layers.
//
// v1::Tower defines the computation. Immutable and thread-safe.
class UserTower {
 public:
  // Reads the space's layers and maps its tables. The bundle must outlive the
  // tower. REQUIRES: the space's history_encoder is TOWER. Errors name the
  // manifest's field or the file: INVALID_ARGUMENT for a tower of unknown
  // parts, or of parts that do not fit together; DATA_LOSS for a wrong file.
  static absl::StatusOr<std::unique_ptr<UserTower>> Open(
      const Bundle& bundle, const EmbeddingSpace& space);

  // The number of query vectors, each of the space's dim, that Encode makes.
  uint32_t interests() const { return interests_; }
  // The number of newest items of a history that Encode uses.
  uint32_t max_items() const { return spec_.history().max_items(); }

  // Replaces *vectors with interests() query vectors, end to end, of a user
  // (kNoRow: unknown) with this history, newest item last, no item twice. Items
  // without a row in the tower's table are ignored. Returns false, leaving
  // *vectors unspecified, when there is nothing to encode: no such item, and no
  // context of this user. Allocates nothing once *vectors has grown.
  bool Encode(Row user, std::span<const Row> history,
              std::vector<float>* vectors) const {
    return Encode(user, history, {}, vectors);
  }
  // The same with features of the request, ascending by name, each name once.
  // One that no input takes is ignored; a value that no input knows is a
  // missing one. A known value is something to encode, too.
  bool Encode(Row user, std::span<const Row> history,
              std::span<const UserFeature> features,
              std::vector<float>* vectors) const;

  // Whether an input takes one of these features. REQUIRES, here and below:
  // they are in the order that Encode needs.
  bool TakesAny(std::span<const UserFeature> features) const;
  // Whether an input knows one of their values, so that these features alone
  // are something to encode.
  bool KnowsAny(std::span<const UserFeature> features) const;

  // Reads the tables. DATA_LOSS, naming file and entry, for values that are not
  // finite and rows that are not ascending.
  absl::Status CheckTables() const;

 private:
  UserTower(const Bundle& bundle, const EmbeddingSpace& space);

  absl::Status OpenTables(const std::string& field);
  absl::Status OpenFeatures(const std::string& field);
  // Appends the pooled history, or zeros if no item is known; nothing if the
  // tower has no history. Returns whether an item is known.
  bool AppendHistory(std::span<const Row> history,
                     std::vector<float>* values) const;
  bool AppendSequence(std::span<const Row> history, float* out) const;
  // Append the context of the user, and return whether anything is known.
  bool AppendContext(Row user, std::span<const UserFeature> features,
                     std::vector<float>* values) const;
  bool AppendStoredContext(Row user, std::vector<float>* values) const;

  const Bundle& bundle_;
  const EmbeddingSpace& space_;
  const v1::Tower& spec_;
  const uint32_t interests_;
  VectorTable history_;
  VectorTable context_;
  // What the context is made of; none where requests cannot replace it.
  FeatureInputs features_;
  // The pooling: the encoder if the spec has weights, else the sums.
  DecayedSums sums_;
  SequenceEncoder encoder_;
  TowerLayers layers_;
};

// Opens every item tower and user tower of the bundle, reads the tables of the
// user towers, and encodes the histories and the features of the golden
// queries. DATA_LOSS, with
// space and query, when a vector differs from the trainer's by more than 1e-4
// of its length; errors of Open and CheckTables.
absl::Status CheckTowers(const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_USER_TOWER_H_
