// Prints a user's candidates, or the error of the call: consumer ADDRESS
#include <iostream>

#include "client/retrieval_client.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  tributary::ClientOptions options;
  options.wait_for_ready = false;
  options.max_attempts = 1;
  const auto client = tributary::RetrievalClient::Connect(argv[1], options);
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    return 2;
  }
  tributary::v1::RetrieveRequest request;
  request.set_user_key("1");
  const auto response = (*client)->Retrieve(request);
  if (!response.ok()) {
    std::cerr << response.status() << "\n";
    return 1;
  }
  const auto candidates = tributary::Candidates(*response);
  if (!candidates.ok()) {
    std::cerr << candidates.status() << "\n";
    return 1;
  }
  for (const tributary::Candidate& candidate : *candidates) {
    std::cout << candidate.key << " " << candidate.score << "\n";
  }
  return 0;
}
