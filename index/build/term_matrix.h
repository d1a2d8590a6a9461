#ifndef TRIBUTARY_INDEX_BUILD_TERM_MATRIX_H_
#define TRIBUTARY_INDEX_BUILD_TERM_MATRIX_H_

#include <map>
#include <string>

#include "Eigen/SparseCore"
#include "index/build/data_set.h"

namespace tributary {

using SparseRows = Eigen::SparseMatrix<float, Eigen::RowMajor>;

// Item features as numbers: a row per item, a column per term. Terms are the
// lower-case words of the text columns (the same word is the same term in all
// of them) and the categories, column by column; terms of a single item are
// left out, since they join it with none. Weights are TF-IDF, log(1 + tf)
// log(n / df), scaled to length 1 per item. Number columns follow,
// standardised; a missing number is the mean, a constant column says nothing.
// `column_weights` as in v1::Content.
SparseRows MakeTermMatrix(const DataSet& data,
                          const std::map<std::string, double>& column_weights);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_TERM_MATRIX_H_
