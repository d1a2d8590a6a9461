// The Node.js client of Tributary. index.d.ts has the types and documents all
// that is exported; the messages in gen/ are generated from the protos.
export { create } from "@bufbuild/protobuf";
export { status as Code } from "@grpc/grpc-js";
export { candidates } from "./candidates.js";
export { Client } from "./client.js";
export { TributaryError } from "./error.js";
export * from "./gen/tributary/v1/retrieval_pb.js";
export * from "./gen/tributary/v1/explain_pb.js";
