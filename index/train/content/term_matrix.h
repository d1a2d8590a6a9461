#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_TERM_MATRIX_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_TERM_MATRIX_H_

#include <map>
#include <string>
#include <vector>

#include "Eigen/SparseCore"
#include "index/data/data_set.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

using SparseRows = Eigen::SparseMatrix<float, Eigen::RowMajor>;

// Item features as a sparse matrix: a row per item, a column per term, then a
// column per number column of a weight above 0.
struct TermMatrix {
  SparseRows rows;
  // The meaning of the columns, with which another item's row can be made.
  v1::FeatureEncoder encoder;
  // The terms in byte order, and for each log(items / items with the term).
  std::vector<std::string> terms;
  std::vector<float> idf;
};

// Makes the matrix of the terms of VisitTerms. A word is the same term in all
// text columns. Terms that only one item has are dropped, because they relate
// it to no other. Weights are TF-IDF, scaled to length 1 per item. Numbers are
// standardised; a missing number counts as the mean. `column_weights` as in
// v1::Content.
TermMatrix MakeTermMatrix(const DataSet& data,
                          const std::map<std::string, double>& column_weights);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_TERM_MATRIX_H_
