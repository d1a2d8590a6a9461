// Retrieves candidates for a user: tributary-example USER [ADDRESS]
#include <cstdio>

#include "client/retrieval_client.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: tributary-example USER [HOST:PORT]\n");
    return 2;
  }
  const auto client = tributary::RetrievalClient::Connect(
      argc > 2 ? argv[2] : "localhost:7700", {.deadline_ms = 500});

  tributary::v1::RetrieveRequest request;
  request.set_user_key(argv[1]);
  request.set_k(20);
  const auto response = (*client)->Retrieve(request);
  if (!response.ok()) {
    std::fprintf(stderr, "%s\n", response.status().ToString().c_str());
    return 1;
  }

  const auto candidates = tributary::Candidates(*response);
  if (!candidates.ok()) return 1;
  for (const tributary::Candidate& candidate : *candidates) {
    std::printf("%-40s %8.4f ", candidate.key.c_str(), candidate.score);
    for (const tributary::Proposal& proposal : candidate.proposals) {
      std::printf(" %.*s", static_cast<int>(proposal.source.size()),
                  proposal.source.data());
    }
    std::printf("\n");
  }
}
