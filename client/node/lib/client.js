import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client as GrpcClient, Metadata, status } from "@grpc/grpc-js";
import { TributaryError, toTributaryError } from "./error.js";
import { Explanation } from "./gen/tributary/v1/explain_pb.js";
import { Retrieval } from "./gen/tributary/v1/retrieval_pb.js";
import { callOptions, channelCredentials, channelOptions, clientOptions, hostOf, tokenSource } from "./options.js";

// How many requests a stream sends at a time: the default of limits.max_stream.
const REQUESTS_PER_CALL = 1000;
// The server gives an explanation a minute.
const EXPLAIN_TIMEOUT_MS = 60_000;

const pathOf = (method) => `/${method.parent.typeName}/${method.name}`;
const serializer = (schema) => (message) => Buffer.from(toBinary(schema, message));
const deserializer = (schema) => (bytes) => fromBinary(schema, bytes);

function resultOf({ code, message, response }) {
  return code === status.OK ? { response } : { error: new TributaryError(code, message) };
}

// Requests that name neither a version nor a label name `version`, if it is set.
function ofVersion(version, requests) {
  if (version === 0n) return requests;
  return requests.map((request) => (request.bundleVersion || request.bundleLabel
    ? request : { ...request, bundleVersion: version }));
}

export class Client {
  #grpc;
  #token;
  #waitForReady;
  #call;

  constructor(address, options = {}) {
    hostOf(address);
    const complete = clientOptions(options);
    this.#token = tokenSource(complete, address);
    this.#waitForReady = complete.waitForReady;
    this.#call = { timeoutMs: complete.timeoutMs, criticality: complete.criticality };
    this.#grpc = new GrpcClient(address, channelCredentials(complete), channelOptions(complete));
  }

  close() {
    this.#grpc.close();
  }

  retrieve(request, options = {}) {
    return this.#unary(Retrieval.method.retrieve, request, callOptions(options, this.#call));
  }

  async batch(requests, options = {}) {
    const { entries } = await this.#unary(Retrieval.method.batchRetrieve, { requests }, callOptions(options, this.#call));
    if (entries.length !== requests.length) {
      throw new TributaryError(status.DATA_LOSS, `the reply has ${entries.length} entries, expected ${requests.length}`);
    }
    return entries.map(resultOf);
  }

  explain(request, options = {}) {
    return this.#unary(Explanation.method.explain, request,
      callOptions(options, { ...this.#call, timeoutMs: EXPLAIN_TIMEOUT_MS }));
  }

  async *stream(requests, options = {}) {
    let version = 0n;
    const complete = callOptions(options, this.#call);
    for (let sent = 0; sent < requests.length;) {
      const next = requests.slice(sent, sent + REQUESTS_PER_CALL);
      const shares = 1 + Math.floor(next.length / REQUESTS_PER_CALL);
      let index = sent;
      const parts = this.#parts(Retrieval.method.streamRetrieve, { requests: ofVersion(version, next) },
        { ...complete, timeoutMs: shares * complete.timeoutMs });
      for await (const part of parts) {
        version = part.bundleVersion;
        for (const entry of part.entries) yield { index: index++, version, ...resultOf(entry) };
      }
      sent += next.length;
      if (index !== sent) {
        throw new TributaryError(status.DATA_LOSS, `the stream ended after ${index} results, expected ${sent}`);
      }
    }
  }

  async *pages(request, options = {}) {
    if (!request.pageSize) throw new TributaryError(status.INVALID_ARGUMENT, "pageSize: 0, expected 1 to k");
    let { pageToken = "" } = request;
    do {
      const page = await this.retrieve({ ...request, pageToken }, options);
      yield page;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  async #metadata({ criticality }) {
    const metadata = new Metadata({ waitForReady: this.#waitForReady });
    if (criticality !== undefined) metadata.set("x-tributary-criticality", criticality);
    if (this.#token !== undefined) {
      try {
        metadata.set("authorization", `Bearer ${await this.#token()}`);
      } catch (error) {
        throw new TributaryError(status.UNAUTHENTICATED, `no token to send: ${error.message}`, { cause: error });
      }
    }
    return metadata;
  }

  async #unary(method, request, options) {
    options.signal?.throwIfAborted();
    const message = create(method.input, request);
    const deadline = Date.now() + options.timeoutMs;
    const metadata = await this.#metadata(options);
    options.signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const done = (error, response) => {
        options.signal?.removeEventListener("abort", abort);
        if (!error) resolve(response);
        else reject(options.signal?.aborted ? options.signal.reason : toTributaryError(error));
      };
      const call = this.#grpc.makeUnaryRequest(pathOf(method), serializer(method.input),
        deserializer(method.output), message, metadata, { deadline }, done);
      const abort = () => call.cancel();
      options.signal?.addEventListener("abort", abort);
    });
  }

  async *#parts(method, request, options) {
    options.signal?.throwIfAborted();
    const message = create(method.input, request);
    const deadline = Date.now() + options.timeoutMs;
    const metadata = await this.#metadata(options);
    options.signal?.throwIfAborted();
    const call = this.#grpc.makeServerStreamRequest(pathOf(method), serializer(method.input),
      deserializer(method.output), message, metadata, { deadline });
    const abort = () => call.cancel();
    options.signal?.addEventListener("abort", abort);
    try {
      yield* call;
    } catch (error) {
      throw options.signal?.aborted ? options.signal.reason : toTributaryError(error);
    } finally {
      options.signal?.removeEventListener("abort", abort);
      // The reader may have left before the end.
      call.cancel();
    }
  }
}
