#ifndef TRIBUTARY_TESTS_SERVER_GATE_GATE_WORLD_H_
#define TRIBUTARY_TESTS_SERVER_GATE_GATE_WORLD_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace tributary {

// A version of a catalogue in which users and items have vectors that say who
// likes what. Versions that differ in nothing but `noise_seed` are a normal
// retraining.
struct GateWorld {
  // Keys are 0, 1, 2 and so on.
  uint32_t items = 400;
  uint32_t users = 100;
  // What a training adds to the vectors.
  uint32_t noise_seed = 1;
  double scale = 1;
  // Item i has the vector of another one.
  bool items_mixed_up = false;
  // User i has the vector of another one.
  bool users_mixed_up = false;
  // Of the popularity list.
  uint32_t popular = 200;
  // A FAISS index of this kind, probed as little as can be; empty: flat.
  std::string factory = {};
  // What a broken disk or an enemy does to the index's file; the manifest is
  // made to fit.
  std::function<void(std::string* bytes)> damage = nullptr;
  // Items above have no vector.
  uint32_t item_vectors = 400;
  // Without users, the space's golden queries are all there is to ask.
  bool golden_queries = false;
  std::string fingerprint = "f";
  // The kind of a third retriever, "own"; empty for none.
  std::string own_kind = {};

  // Writes root/<version>. Retrievers: "taste" (vectors), "popularity"
  // and perhaps "own".
  std::filesystem::path Write(const std::filesystem::path& root,
                              uint64_t version) const;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_GATE_GATE_WORLD_H_
