// Towers: the networks of a bundle, run where requests are answered. This
// folder knows the weights and layers that a manifest describes and nothing of
// how they were trained; it may depend on index/bundle alone.
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
#include "index/tower/sequence_encoder.h"
#include "index/tower/tower_layers.h"

namespace tributary {

// A space's user tower: makes query vectors of histories. Immutable and
// thread-safe.
class UserTower {
 public:
  // Opens the space's tower, which reads its layers and maps its tables. The
  // bundle must outlive it. REQUIRES: the space's history_encoder is TOWER.
  // Errors name the manifest's field or the file: INVALID_ARGUMENT for a tower
  // that is unknown or does not fit together, DATA_LOSS for what is wrong with
  // a file.
  static absl::StatusOr<std::unique_ptr<UserTower>> Open(
      const Bundle& bundle, const EmbeddingSpace& space);

  // How many vectors of the space's dim an output has, and a history's newest
  // items that are used.
  uint32_t interests() const { return interests_; }
  uint32_t max_items() const { return spec_.history().max_items(); }

  // Replaces *vectors with interests() vectors, end to end, for a user (kNoRow:
  // unknown) with this history, newest last, none twice; items that the tower
  // does not know are ignored. False when there is nothing to go by: no known
  // item, and no context of this user. Allocates nothing once *vectors has
  // grown.
  bool Encode(Row user, std::span<const Row> history,
              std::vector<float>* vectors) const;

  // Reads the tables: DATA_LOSS, naming file and place, for values that are not
  // finite and rows that are not ascending.
  absl::Status CheckTables() const;

 private:
  UserTower(const Bundle& bundle, const EmbeddingSpace& space);

  absl::Status OpenTables(const std::string& field);
  // Appends the pooled history, zeros for an empty one; says whether it was.
  bool AppendHistory(std::span<const Row> history,
                     std::vector<float>* values) const;
  bool AppendSequence(std::span<const Row> history, float* out) const;
  bool AppendContext(Row user, std::vector<float>* values) const;

  const Bundle& bundle_;
  const EmbeddingSpace& space_;
  const v1::Tower& spec_;
  const uint32_t interests_;
  VectorTable history_;
  VectorTable context_;
  DecayedSums sums_;
  // Instead of them, where the spec has weights.
  SequenceEncoder encoder_;
  TowerLayers layers_;
};

// Opens every user tower, reads its tables, and encodes the histories of the
// golden queries: DATA_LOSS, with space and query, when a vector differs from
// the trainer's by more than 1e-4 of its length; else Open's errors.
absl::Status CheckTowers(const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_USER_TOWER_H_
