// What clients and calls may be told, and what gRPC makes of it.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { credentials } from "@grpc/grpc-js";

const PUBLISHED_POLICY = new URL("service_config.json", import.meta.url);
// gRPC's own limit.
const MAX_ATTEMPTS = 5;
const MAX_INITIAL_BACKOFF_MS = 1000;
// Holds the reply to the largest batch of the longest lists.
const MAX_RESPONSE_BYTES = 64 << 20;

const CLIENT_OPTIONS = ["timeoutMs", "criticality", "attempts", "initialBackoffMs", "waitForReady", "tls", "token", "tokenFile"];
const CALL_OPTIONS = ["timeoutMs", "criticality", "signal"];
const TLS_OPTIONS = ["caFile", "certificateFile", "privateKeyFile", "serverName"];

function checkNames(options, known, what) {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${what}${name}: there is no such option; there are ${known.join(", ")}`);
  }
}

function checkNumber(name, value, least, most) {
  if (typeof value === "number" && value >= least && value <= most) return;
  throw new RangeError(`${name}: ${value}, expected ${least} to ${most}`);
}

// Node's timers end at 2^31 ms.
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

function checkCall({ timeoutMs, criticality }) {
  checkNumber("timeoutMs", timeoutMs, Number.MIN_VALUE, MAX_TIMEOUT_MS);
  if (criticality !== undefined && criticality !== "interactive" && criticality !== "batch") {
    throw new RangeError(`criticality: ${criticality}, expected "interactive" or "batch"`);
  }
}

// The options of one call, completed by `defaults`.
export function callOptions(options, defaults) {
  checkNames(options, CALL_OPTIONS, "");
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const complete = { ...defaults, ...given };
  checkCall(complete);
  return complete;
}

// The options of a client, complete.
export function clientOptions(options) {
  checkNames(options, CLIENT_OPTIONS, "");
  checkNames(options.tls ?? {}, TLS_OPTIONS, "tls.");
  const complete = { timeoutMs: 1000, attempts: 4, initialBackoffMs: 10, waitForReady: true, ...options };
  checkCall(complete);
  checkNumber("attempts", complete.attempts, 1, MAX_ATTEMPTS);
  checkNumber("initialBackoffMs", complete.initialBackoffMs, 1, MAX_INITIAL_BACKOFF_MS);
  if (complete.token !== undefined && complete.tokenFile !== undefined) {
    throw new TypeError("token and tokenFile: give one of the two");
  }
  return complete;
}

// The host of an address; "" of a unix socket.
export function hostOf(address) {
  if (typeof address === "string") {
    if (/^unix:./.test(address)) return "";
    const match = /^(?:dns:\/*)?(?:\[([^\]]+)\]|([^:/]+)):\d+$/.exec(address);
    if (match) return match[1] ?? match[2];
  }
  throw new TypeError(`address: ${address}, expected host:port or unix:PATH`);
}

function isLocal(host) {
  return host === "" || host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

// The published retry policy with what the options change.
export function serviceConfig({ attempts, initialBackoffMs }) {
  const config = JSON.parse(readFileSync(PUBLISHED_POLICY, "utf8"));
  const [method] = config.methodConfig;
  // Each call says so itself.
  delete method.waitForReady;
  if (attempts === 1) {
    delete method.retryPolicy;
    delete config.retryThrottling;
  } else {
    method.retryPolicy.maxAttempts = attempts;
    method.retryPolicy.initialBackoff = `${(initialBackoffMs / 1000).toFixed(3)}s`;
  }
  return JSON.stringify(config);
}

export function channelOptions(options) {
  const channel = {
    "grpc.service_config": serviceConfig(options),
    // Names may not replace the policy by their TXT records.
    "grpc.service_config_disable_resolution": 1,
    "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
    // gRPC's default first pause, 1 s, is longer than a server takes to restart.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    // Clients of one process and address do not share a connection.
    "grpc.use_local_subchannel_pool": 1,
  };
  if (options.tls?.serverName) {
    channel["grpc.ssl_target_name_override"] = options.tls.serverName;
    channel["grpc.default_authority"] = options.tls.serverName;
  }
  return channel;
}

function readTlsFile(name, path) {
  try {
    return path === undefined ? null : readFileSync(path);
  } catch (error) {
    throw new Error(`tls.${name}: ${error.message}`, { cause: error });
  }
}

export function channelCredentials({ tls }) {
  if (tls === undefined) return credentials.createInsecure();
  if ((tls.certificateFile === undefined) !== (tls.privateKeyFile === undefined)) {
    throw new TypeError("tls: give certificateFile and privateKeyFile, or neither");
  }
  const [ca, key, certificate] = ["caFile", "privateKeyFile", "certificateFile"].map((name) => readTlsFile(name, tls[name]));
  try {
    return credentials.createSsl(ca, key, certificate);
  } catch (error) {
    throw new Error(`tls: the files cannot be used: ${error.message}`, { cause: error });
  }
}

// A function that returns the token of a call; undefined without one.
export function tokenSource(options, address) {
  const { token, tokenFile, tls } = options;
  if (token === undefined && tokenFile === undefined) return undefined;
  if (tls === undefined && !isLocal(hostOf(address))) {
    throw new TypeError(`token: it would go to ${address} unencrypted; give tls too`);
  }
  if (typeof token === "function") return token;
  if (token !== undefined) return () => token;
  return async () => {
    const line = (await readFile(tokenFile, "utf8")).split("\n", 1)[0].trim();
    if (line === "") throw new Error(`tokenFile: the first line of ${tokenFile} is empty`);
    return line;
  };
}
