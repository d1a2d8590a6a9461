import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

// Where gRPC puts a google.rpc.Status with the details.
const DETAILS = "grpc-status-details-bin";

export class TributaryError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = "TributaryError";
    this.code = code;
    this.codeName = status[code] ?? "UNKNOWN";
    this.fieldViolations = [];
    this.retryDelayMs = undefined;
    this.reason = undefined;
  }
}

// Makes a TributaryError of what grpc-js reports. Other errors stay as they are.
export function toTributaryError(error) {
  if (error instanceof TributaryError || typeof error?.code !== "number") return error;
  const result = new TributaryError(error.code, error.details || error.message, { cause: error });
  for (const bytes of error.metadata?.get(DETAILS) ?? []) addDetails(bytes, result);
  return result;
}

function addDetails(bytes, error) {
  let details;
  try {
    details = fromBinary(StatusSchema, bytes).details;
  } catch {
    // A proxy has put something else there: the code and the message will do.
    return;
  }
  for (const any of details) {
    const badRequest = anyUnpack(any, BadRequestSchema);
    for (const { field, description } of badRequest?.fieldViolations ?? []) {
      error.fieldViolations.push({ field, description });
    }
    const delay = anyUnpack(any, RetryInfoSchema)?.retryDelay;
    if (delay) error.retryDelayMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    const info = anyUnpack(any, ErrorInfoSchema);
    if (info) error.reason = info.reason;
  }
}
