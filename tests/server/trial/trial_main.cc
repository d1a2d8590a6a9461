#include <gmock/gmock.h>

#include "server/trial/trial.h"
#include "tests/server/trial/crashes_kill.h"

int main(int argc, char** argv) {
  tributary::RunTrialIfAsked(argc, argv,
                             tributary::RetrieverRegistry::BuiltIn());
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
