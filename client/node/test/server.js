// Real programs for the tests: a bundle that the command line builds, servers,
// and a proxy in front of one.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const BINARIES = process.env.TRIBUTARY_BIN_DIR;
export const SKIP = BINARIES ? false : "TRIBUTARY_BIN_DIR is not set: it names the directory of tributary-server";
// The least key of the catalogue: one that no number of JavaScript holds.
export const FIRST_ITEM = 2n ** 63n + 1n;
// How long a test waits on a busy machine.
export const LONG_MS = 60_000;

export const folder = mkdtempSync(join(tmpdir(), "tributary-node-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

// 60 users, each of whom likes the items of one of five kinds.
export function buildBundles() {
  const lines = ["user,item,timestamp"];
  for (let user = 0; user < 60; ++user) {
    for (let i = 0; i < 20; ++i) {
      const item = FIRST_ITEM + BigInt(((user % 5) + 5 * ((i * (user + 3)) % 60)) % 300);
      lines.push(`u${user},${item},${1700000000 + user * 1000 + i}`);
    }
  }
  writeFileSync(join(folder, "interactions.csv"), `${lines.join("\n")}\n`);
  execFileSync(join(BINARIES, "tributary"), ["build", "--data", `csv:${join(folder, "interactions.csv")}`,
    "--out", join(folder, "bundles"), "--validation_share", "0", "--als.dim", "8",
    "--behavior.history.dim", "8", "--behavior.history.epochs", "2", "--content.dim", "16", "--threads", "1"],
  { stdio: "pipe" });
  return join(folder, "bundles");
}

// Starts a server that asks clients for a certificate of the authority and for
// one of the tokens.
export async function startEncryptedServer(test, bundles, authority, tokens) {
  const { certificateFile, privateKeyFile } = authority.issue("server");
  const own = mkdtempSync(join(folder, "access-"));
  const lines = tokens.map((token, i) => `token${i} ${createHash("sha256").update(token).digest("hex")}\n`);
  writeFileSync(join(own, "tokens"), lines.join(""));
  // JSON is YAML.
  writeFileSync(join(own, "server.yaml"), JSON.stringify({
    tls: {
      certificate_file: certificateFile, private_key_file: privateKeyFile,
      client_ca_file: authority.caFile, require_client_certificate: true,
    },
    access: { tokens_file: join(own, "tokens"), grants: [{ who: ["token:*"], roles: ["retrieve"] }] },
  }));
  return startServer(test, bundles, "127.0.0.1:0", ["--config", join(own, "server.yaml")]);
}

// Starts a server; stops it after the test.
export async function startServer(test, bundles, address = "127.0.0.1:0", flags = []) {
  const own = mkdtempSync(join(folder, "server-"));
  const process = spawn(join(BINARIES, "tributary-server"), [...flags, "--bundles", bundles, "--listen", address,
    "--http", "off", "--admin", "off", "--control", `unix:${join(own, "control.sock")}`],
  { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => { process.on("exit", resolve); });
  test.after(async () => {
    process.kill();
    await ended;
  });
  return new Promise((resolve, reject) => {
    let log = "";
    const read = (text) => {
      log += text;
      const listening = /event=listening grpc=(\S+)/.exec(log);
      if (listening) resolve(listening[1]);
    };
    process.stdout.on("data", read);
    process.stderr.on("data", read);
    ended.then(() => reject(new Error(`the server has ended: ${log}`)));
  });
}

// Hands calls on to a server as they are, and remembers their headers.
export async function startProxy(test, server) {
  const target = http2.connect(`http://${server}`);
  target.on("error", () => {});
  const front = http2.createServer();
  const sessions = new Set();
  const calls = [];
  front.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  front.on("stream", (from, headers) => {
    calls.push(headers);
    const { ":authority": authority, ...rest } = headers;
    const to = target.request(rest);
    let trailers = {};
    to.on("trailers", (given) => { trailers = given; });
    from.on("wantTrailers", () => from.sendTrailers(plain(trailers)));
    for (const stream of [from, to]) stream.on("error", () => { from.destroy(); to.destroy(); });
    to.on("response", (given, flags) => {
      // A call that fails at once has its status in the head.
      const endStream = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      from.respond(plain(given), { endStream, waitForTrailers: !endStream });
      if (!endStream) to.pipe(from);
    });
    from.pipe(to);
  });
  await new Promise((resolve) => { front.listen(0, "127.0.0.1", resolve); });
  test.after(() => {
    for (const session of sessions) session.destroy();
    target.destroy();
    front.close();
  });
  return { address: `127.0.0.1:${front.address().port}`, calls };
}

function plain(headers) {
  return Object.fromEntries(Object.entries(headers));
}

export async function freeAddress() {
  const server = net.createServer();
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return `127.0.0.1:${port}`;
}

// An authority, and what it issues for 127.0.0.1, as files.
export function makeAuthority() {
  const own = mkdtempSync(join(folder, "authority-"));
  const openssl = (...flags) => execFileSync("openssl", flags, { cwd: own, stdio: "pipe" });
  const key = (name) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
  openssl("req", "-x509", ...key("ca"), "-out", "ca.pem", "-days", "1", "-subj", "/CN=test authority");
  return {
    caFile: join(own, "ca.pem"),
    issue(name) {
      openssl("req", ...key(name), "-out", `${name}.csr`, "-subj", `/CN=${name}`);
      writeFileSync(join(own, "extensions"), "subjectAltName=IP:127.0.0.1\n");
      openssl("x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "1", "-extfile", "extensions", "-out", `${name}.pem`);
      return { certificateFile: join(own, `${name}.pem`), privateKeyFile: join(own, `${name}.key`) };
    },
  };
}
