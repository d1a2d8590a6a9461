// Retrieves candidates for a user: tributary-example USER [ADDRESS]
#include <cstdio>

#include "client/retrieval_client.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "tributary-example: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: tributary-example USER [HOST:PORT | unix:PATH]\n");
    return 2;
  }
  const auto client = tributary::RetrievalClient::Connect(
      argc > 2 ? argv[2] : "localhost:7700");
  if (!client.ok()) return Fail(client.status());

  tributary::v1::RetrieveRequest request;
  request.set_user_key(argv[1]);
  request.set_k(20);
  const auto response = (*client)->Retrieve(request);
  if (!response.ok()) return Fail(response.status());

  // The candidates view the response: keep both.
  const auto candidates = tributary::Candidates(*response);
  if (!candidates.ok()) return Fail(candidates.status());
  for (const tributary::Candidate& candidate : *candidates) {
    std::printf("%-40s %8.4f ", candidate.key.c_str(), candidate.score);
    for (const tributary::Proposal& proposal : candidate.proposals) {
      std::printf(" %.*s", static_cast<int>(proposal.source.size()),
                  proposal.source.data());
    }
    std::printf("\n");
  }
  return 0;
}
