#ifndef TRIBUTARY_SERVER_GATE_VECTOR_NORMS_H_
#define TRIBUTARY_SERVER_GATE_VECTOR_NORMS_H_

#include <string>

#include "index/bundle/vector_table.h"
#include "server/gate/gate.h"

namespace tributary {

// Measures a few thousand vectors, evenly spread over the table.
NormMeasurement MeasureNorms(std::string name, const VectorTable& vectors);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_VECTOR_NORMS_H_
