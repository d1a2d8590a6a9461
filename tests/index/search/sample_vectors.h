// Vectors like those that models make, for tests of search.
#ifndef TRIBUTARY_TESTS_INDEX_SEARCH_SAMPLE_VECTORS_H_
#define TRIBUTARY_TESTS_INDEX_SEARCH_SAMPLE_VECTORS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"
#include "index/search/flat_scan.h"

namespace tributary {

// Unit vectors around `clusters` centres, spread mostly in a few directions
// that all clusters share. Equal seeds give equal vectors; different seeds give
// different vectors of the same mixture.
std::vector<float> MixtureVectors(size_t count, uint32_t dim, uint32_t clusters,
                                  uint32_t seed);

// Items like those of a matrix factorisation: popular ones are longer, up to
// ten times and more, and the last coordinate is the item's bias.
std::vector<float> FactorVectors(size_t count, uint32_t dim, uint32_t seed);

// Users for those items: of about equal length, with a last coordinate of 1.
std::vector<float> FactorQueries(size_t count, uint32_t dim, uint32_t seed);

// Integers from -2 to 2: inner products are exact in any order, and many tie.
std::vector<float> SmallIntegers(size_t count, uint32_t seed);

// `values` as halves, exactly. REQUIRES: they are integers from -2048 to 2048.
std::vector<Half> IntegerHalves(std::span<const float> values);

// The exact answer. REQUIRES: the query is valid.
std::vector<ScoredRow> ExactHits(const StoredVectors& vectors,
                                 std::span<const float> query, uint32_t n,
                                 std::span<const uint32_t> excluded = {});

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_SEARCH_SAMPLE_VECTORS_H_
