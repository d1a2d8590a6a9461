#ifndef TRIBUTARY_SERVER_SERVICE_CRITICALITY_H_
#define TRIBUTARY_SERVER_SERVICE_CRITICALITY_H_

namespace tributary {

// How urgent a call is; see x-tributary-criticality in retrieval.proto.
enum class Criticality { kInteractive, kBatch };

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_CRITICALITY_H_
