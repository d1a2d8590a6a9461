import type { MessageInitShape } from "@bufbuild/protobuf";
import type { status } from "@grpc/grpc-js";
import type { ExplainRequestSchema, ExplainResponse } from "./gen/tributary/v1/explain_pb.js";
import type { RetrieveRequestSchema, RetrieveResponse } from "./gen/tributary/v1/retrieval_pb.js";

export { create } from "@bufbuild/protobuf";
/** gRPC's codes. */
export { status as Code } from "@grpc/grpc-js";
export * from "./gen/tributary/v1/retrieval_pb.js";
export * from "./gen/tributary/v1/explain_pb.js";

/** A request: a plain object, or a message made by `create`. */
export type RetrieveRequestInit = MessageInitShape<typeof RetrieveRequestSchema>;
/** A request of `explain`. */
export type ExplainRequestInit = MessageInitShape<typeof ExplainRequestSchema>;

/**
 * How urgent a call is. Calls that are `batch` wait behind those that are
 * `interactive`, and are refused before them under overload. By default, single
 * calls are `interactive`, and batches and streams `batch`.
 */
export type Criticality = "interactive" | "batch";

/** Options of one call. */
export interface CallOptions {
  /**
   * Limits a whole call: all its attempts and the pauses between them. In
   * `stream` it is the limit of each thousand requests, in `pages` that of each
   * page. Default: 1000; for `explain` 60000.
   */
  timeoutMs?: number;
  criticality?: Criticality;
  /** Ends the call, which then fails with the signal's reason. */
  signal?: AbortSignal;
}

/** How the connection is encrypted, and who calls. Files are PEM. */
export interface TlsOptions {
  /** The authorities that sign servers' certificates. Default: Node's own. */
  caFile?: string;
  /** Shows the server who calls (mutual TLS). Read when the client is made. */
  certificateFile?: string;
  privateKeyFile?: string;
  /** The name that the server's certificate must have. Default: the host. */
  serverName?: string;
}

/** Options of a client. */
export interface ClientOptions {
  /** As of CallOptions, for all calls but `explain`. */
  timeoutMs?: number;
  criticality?: Criticality;
  /** How often a call is tried at most: 1 (no retry) to 5. Default: 4. */
  attempts?: number;
  /**
   * Bounds the pause before the first retry, 1 to 1000. The bound doubles with
   * every retry; each pause is drawn at random below it. Default: 10.
   */
  initialBackoffMs?: number;
  /**
   * Whether a call waits, within its timeout, for a server that cannot be
   * reached. If false, such a call fails at once with UNAVAILABLE. Default: true.
   */
  waitForReady?: boolean;
  /** Encrypts the connection. `{}` does with Node's own authorities. */
  tls?: TlsOptions;
  /**
   * A bearer token, or a function that returns that of each call. It needs
   * `tls`, unless the server is on this machine.
   */
  token?: string | (() => string | Promise<string>);
  /** A file whose first line is the token. It is read for each call. */
  tokenFile?: string;
}

/** What is wrong with a field of a request. */
export interface FieldViolation {
  /** The path of the field, e.g. `quotas["content"].max`. */
  field: string;
  description: string;
}

/** What a call that fails throws. */
export class TributaryError extends Error {
  constructor(code: status, message: string, options?: { cause?: unknown });
  /** gRPC's code, one of `Code`. */
  readonly code: status;
  /** Its name, e.g. "INVALID_ARGUMENT". */
  readonly codeName: string;
  /** The fields of the request that are wrong. */
  readonly fieldViolations: FieldViolation[];
  /**
   * How long to wait before the next try. The client has retried already where
   * its policy says so. Undefined where the server has not said.
   */
  readonly retryDelayMs: number | undefined;
  /** The reason of google.rpc.ErrorInfo. Undefined where it is not the server's. */
  readonly reason: string | undefined;
}

/** The answer to one request of several: one of the two is there. */
export type Result =
  | { response: RetrieveResponse; error?: undefined }
  | { response?: undefined; error: TributaryError };

/** A result of a stream, with the position of its request, from 0. */
export type StreamResult = Result & { index: number; version: bigint };

/**
 * Calls one server, or several behind one name. One client for each process is
 * enough. The connection is opened by the first call, and again after it breaks.
 */
export class Client {
  /** Of `address`, host:port or unix:PATH. Throws what is wrong with an option. */
  constructor(address: string, options?: ClientOptions);

  /** At most k candidates for one user, best first. */
  retrieve(request: RetrieveRequestInit, options?: CallOptions): Promise<RetrieveResponse>;

  /**
   * One result for each of up to limits.max_batch requests (64), in their order,
   * from one version.
   */
  batch(requests: RetrieveRequestInit[], options?: CallOptions): Promise<Result[]>;

  /**
   * The results of any number of requests, in their order, as soon as they are
   * ready. A thousand are sent at a time. One version answers all of them, unless
   * the requests name a label: then it is one for each thousand. A call is
   * retried only until its first part has come; an error ends the stream, and the
   * results before it are good.
   */
  stream(requests: RetrieveRequestInit[], options?: CallOptions): AsyncGenerator<StreamResult, void, undefined>;

  /**
   * The pages of a request's list, from its pageToken on, with its pageSize. They
   * never repeat or skip an item. ABORTED says that the list cannot be continued.
   */
  pages(request: RetrieveRequestInit, options?: CallOptions): AsyncGenerator<RetrieveResponse, void, undefined>;

  /**
   * Why items are, or are not, among the candidates. The server explains for one
   * call at a time, and refuses others with RESOURCE_EXHAUSTED.
   */
  explain(request: ExplainRequestInit, options?: CallOptions): Promise<ExplainResponse>;

  /** Ends the connection, once the calls in progress are over. */
  close(): void;
}

/** One source's proposal of a candidate. */
export interface Proposal {
  source: string;
  /** From 1; 0 unless the request's view is FULL. */
  rank: number;
  /** 0 unless the request's view is FULL. */
  rawScore: number;
}

/** One row of a reply. */
export interface Candidate {
  /** The item's key, in decimal if the catalogue has integer keys. */
  key: string;
  /** The key as an integer; undefined if the catalogue has string keys. */
  id: bigint | undefined;
  /** Higher is better. Scores of different replies cannot be compared. */
  score: number;
  /** What boosts and decay multiplied the score by; 1 unless the view is FULL. */
  factor: number;
  /** Those of the sources that proposed the item, in order of priority. */
  proposals: Proposal[];
}

/** Makes rows of a reply's columns, best first. DATA_LOSS if they do not fit together. */
export function candidates(response: RetrieveResponse): Candidate[];
