#ifndef TRIBUTARY_INDEX_DATA_APPLY_CHANGES_H_
#define TRIBUTARY_INDEX_DATA_APPLY_CHANGES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "index/data/data_set.h"
#include "index/data/data_set_builder.h"
#include "index/data/input_report.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// Live changes that data are to have.
struct DataChanges {
  // In the order of their numbers.
  std::span<const v1::Change> changes;
  // Events up to this change are in the data already.
  uint64_t events_through = 0;
};

// ReadDataSet (data_set.h) of data that then get the changes. INVALID_ARGUMENT
// for synthetic data.
absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    const ReadOptions& options,
                                    const DataChanges& changes);

// The value as a csv file would have it: true, 12.5, a text, tags with |
// between them; "" for null.
std::string ChangeValueText(const google::protobuf::Value& value);

// Makes the data what they would be if somebody had edited the files by hand:
//
//   set      the item's fields in the columns that the attributes are made of,
//            if the data have the item
//   upsert   a row of items.csv, or further fields of the one that is there;
//            vectors, in the spaces of `spaces` with as many dimensions
//   event    a line of interactions.csv, unless the data have it already
//
// An item that is taken down stays, as it may be restored, and so does one that
// expires: servers leave out both. `spaces` have the numbers of keys for rows.
// Says in *report what was applied, and warns of what the data have no place
// for.
void ApplyChanges(const DataChanges& changes, DataSetBuilder* builder,
                  std::vector<GivenSpace>* spaces, InputReport* report);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_APPLY_CHANGES_H_
