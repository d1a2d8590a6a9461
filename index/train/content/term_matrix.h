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

// Item features as numbers: a row per item, a column per term and then one per
// number column of weight above 0.
struct TermMatrix {
  SparseRows rows;
  // What the columns are, and how those of another item are made.
  v1::FeatureEncoder encoder;
  // In byte order, and log(items / items with the term).
  std::vector<std::string> terms;
  std::vector<float> idf;
};

// Terms are those of VisitTerms (the same word is the same term in all text
// columns); terms of a single item are left out, since they join it with none.
// Weights are TF-IDF, scaled to length 1 per item; numbers are standardised, a
// missing one is the mean. `column_weights` as in v1::Content.
TermMatrix MakeTermMatrix(const DataSet& data,
                          const std::map<std::string, double>& column_weights);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_TERM_MATRIX_H_
