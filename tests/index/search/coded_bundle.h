// A bundle whose space has an index of kind scan or ivf, for tests.
#ifndef TRIBUTARY_TESTS_INDEX_SEARCH_CODED_BUNDLE_H_
#define TRIBUTARY_TESTS_INDEX_SEARCH_CODED_BUNDLE_H_

#include <cstdint>
#include <functional>

#include "index/search/coded_search.h"
#include "index/search/coded_vectors.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {

// Encodes description->items (as floats, even where halves are stored) into
// `lists` lists and sets the index of the spec. `change`, if given, may damage
// the arrays before they are written.
void AddCodedIndex(uint32_t lists, const SearchEffort& effort,
                   SpaceBundle* description,
                   const std::function<void(CodedArrays*)>& change = nullptr);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_SEARCH_CODED_BUNDLE_H_
