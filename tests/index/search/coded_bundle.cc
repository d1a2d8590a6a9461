#include "tests/index/search/coded_bundle.h"

#include <gtest/gtest.h>

#include <utility>

#include "index/search/coded_index.h"

namespace tributary {

void AddCodedIndex(uint32_t lists, const SearchEffort& effort,
                   SpaceBundle* description,
                   const std::function<void(CodedArrays*)>& change) {
  const uint32_t dim = description->dim;
  auto arrays =
      EncodeVectors(description->items, dim, DefaultCodeDims(dim), lists, 1);
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  v1::IndexSpec& spec = *description->spec.mutable_index();
  spec.set_kind(lists == 1 ? "scan" : "ivf");
  spec.set_code_dims(arrays->code_dims);
  spec.set_lists(arrays->view().lists());
  spec.set_probes(effort.probes);
  spec.set_reranked(effort.reranked);
  spec.set_measured_n(effort.n);
  if (change) change(&*arrays);
  description->add_files = [arrays = *std::move(arrays)](BundleWriter* writer) {
    return WriteCodedArrays("space", arrays, writer);
  };
}

}  // namespace tributary
