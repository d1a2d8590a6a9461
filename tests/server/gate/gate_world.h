#ifndef TRIBUTARY_TESTS_SERVER_GATE_GATE_WORLD_H_
#define TRIBUTARY_TESTS_SERVER_GATE_GATE_WORLD_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace tributary {

// A version of a catalogue whose users and items have vectors that model taste.
// Versions that differ only in `noise_seed` are like normal retrainings.
struct GateWorld {
  // Keys are 0, 1, 2 and so on.
  uint32_t items = 400;
  uint32_t users = 100;
  // Seed of the noise that a training adds to the vectors.
  uint32_t noise_seed = 1;
  double scale = 1;
  // Item i has the vector of another one.
  bool items_mixed_up = false;
  // User i has the vector of another one.
  bool users_mixed_up = false;
  // Length of the popularity list.
  uint32_t popular = 200;
  // A FAISS index of this factory string, with nprobe 1; empty for a flat
  // index.
  std::string factory = {};
  // Changes the bytes of the index's file, as a broken disk or an attacker
  // would. The manifest has the hash of the changed file.
  std::function<void(std::string* bytes)> damage = nullptr;
  // Items with this row and above have no vector.
  uint32_t item_vectors = 400;
  // Adds golden queries: without users, the only queries that the space can
  // answer.
  bool golden_queries = false;
  std::string fingerprint = "f";
  // The kind of a third retriever, "own"; empty for none.
  std::string own_kind = {};

  // Writes root/<version>. Its retrievers are "taste" (vectors), "popularity"
  // and, unless own_kind is empty, "own".
  std::filesystem::path Write(const std::filesystem::path& root,
                              uint64_t version) const;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_GATE_GATE_WORLD_H_
