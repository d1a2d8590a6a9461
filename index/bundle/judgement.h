#ifndef TRIBUTARY_INDEX_BUNDLE_JUDGEMENT_H_
#define TRIBUTARY_INDEX_BUNDLE_JUDGEMENT_H_

#include "tributary/v1/fusion.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What was measured on a validation bundle: a bundle that was made without some
// interactions, which are what it is measured on.
struct Judgement {
  // Of every retriever alone and of the fused list, as the fusion model makes
  // it for users that the model was not learned from. No users: nothing was
  // measured.
  v1::MeasuredRecall recall;
  // Learned on the held-out interactions; without segments where there were
  // none.
  v1::FusionModel fusion;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_JUDGEMENT_H_
