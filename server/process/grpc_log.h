#ifndef TRIBUTARY_SERVER_PROCESS_GRPC_LOG_H_
#define TRIBUTARY_SERVER_PROCESS_GRPC_LOG_H_

namespace tributary {

// From now on, what gRPC itself logs becomes events of this program's log,
// event=grpc, instead of lines of another form on stderr: errors at the level
// warn, the rest at debug. Errors of calls and of listening are reported by who
// makes them; those lines only add details. protobuf logs nothing: it would
// write a line to stderr for every text of a request that is not UTF-8. Call it
// once, before using gRPC.
void LogGrpcAsEvents();

// Debian compiles Abseil with its debugging aids, so that every lock of gRPC's
// mutexes records in which order locks are taken, in a graph under one lock of
// its own. From now on they do not: 3.5 % of the processor's time of a server
// that refuses calls (perf, 19 000 calls a second).
void SkipLockOrderChecks();

// From now on, gRPC itself logs nothing, unless the variable GRPC_VERBOSITY
// asks for it: for commands, which print the errors of their calls.
void SilenceGrpc();

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_GRPC_LOG_H_
