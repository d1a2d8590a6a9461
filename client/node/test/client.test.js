// The client against a real server.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { candidates, Client, Code, create, RetrieveResponseSchema, TributaryError, Verdict, View } from "tributary";
import {
  buildBundles, FIRST_ITEM, folder, freeAddress, LONG_MS, makeAuthority, SKIP, startEncryptedServer, startProxy, startServer,
} from "./server.js";

let bundles;
before(() => { if (!SKIP) bundles = buildBundles(); });

const of = (userKey, k) => ({ user: { case: "userKey", value: userKey }, k });
const tooMany = 2 ** 30;

function connect(t, address, options = {}) {
  const client = new Client(address, { timeoutMs: LONG_MS, ...options });
  t.after(() => client.close());
  return client;
}

function online(name, body) {
  test(name, { skip: SKIP, timeout: 2 * LONG_MS }, body);
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof TributaryError, `found ${error?.stack}, expected a TributaryError`);
    return error;
  }
  return assert.fail("expected an error");
}

async function all(iterator) {
  const found = [];
  for await (const one of iterator) found.push(one);
  return found;
}

online("ids above 2^53 come and go without loss", async (t) => {
  const client = connect(t, await startServer(t, bundles));
  const request = { ...of("u7", 20), view: View.FULL };
  const response = await client.retrieve(request);
  assert.equal(response.bundleVersion, 1n);
  const rows = candidates(response);
  assert.equal(rows.length, 20);
  for (const { id, key, proposals } of rows) {
    assert.equal(typeof id, "bigint");
    assert(id >= FIRST_ITEM && id < FIRST_ITEM + 300n, `${id} is not of the catalogue`);
    assert.equal(key, String(id));
    assert(proposals.length > 0 && proposals.every(({ source, rank }) => source !== "" && rank > 0));
  }
  // What the client has read, the server understands.
  const again = await client.retrieve({ ...request, filter: { excludeItemIds: response.itemIds } });
  assert.equal(again.unknownItems, 0);
  assert(!again.itemIds.some((id) => response.itemIds.includes(id)));
  const unknown = await client.retrieve({ ...request, filter: { excludeItemIds: [FIRST_ITEM - 1n] } });
  assert.equal(unknown.unknownItems, 1);
});

test("candidates refuses columns that do not fit", () => {
  const whole = () => create(RetrieveResponseSchema, {
    itemKeys: ["a", "b"], scores: [2, 1], sources: [1, 1], sourceReports: [{ name: "taste" }],
  });
  assert.deepEqual(candidates(whole())[1], {
    key: "b", id: undefined, score: 1, factor: 1, proposals: [{ source: "taste", rank: 0, rawScore: 0 }],
  });
  for (const [name, spoil] of Object.entries({
    "itemIds and itemKeys": (r) => r.itemKeys.pop(),
    sources: (r) => { r.sources = []; },
    factors: (r) => r.factors.push(1),
    ranks: (r) => r.sourceReports[0].ranks.push(1),
    rawScores: (r) => r.sourceReports[0].rawScores.push(1),
    "sources[1]": (r) => { r.sources[1] = 2; },
  })) {
    const broken = whole();
    spoil(broken);
    assert.throws(() => candidates(broken), (e) => e.code === Code.DATA_LOSS && e.message.startsWith(`${name}: `), name);
  }
});

online("errors name the field", async (t) => {
  const client = connect(t, await startServer(t, bundles));
  const error = await failure(client.retrieve({ ...of("u1", 5), quotas: { "no such": { target: 1 } } }));
  assert.equal(error.code, Code.INVALID_ARGUMENT);
  assert.equal(error.codeName, "INVALID_ARGUMENT");
  assert.equal(error.reason, "INVALID_ARGUMENT");
  assert.equal(error.retryDelayMs, undefined);
  assert.deepEqual(error.fieldViolations.map(({ field }) => field), ['quotas["no such"]']);
  assert.equal(error.message, `quotas["no such"]: ${error.fieldViolations[0].description}`);
  assert.equal((await failure(client.retrieve({ ...of("u1", 5), bundleVersion: 99n }))).code, Code.NOT_FOUND);
});

online("a batch has a result for each request", async (t) => {
  const client = connect(t, await startServer(t, bundles));
  const results = await client.batch([of("u1", 3), of("u2", tooMany), of("u3", 4)]);
  assert.deepEqual(results.map((r) => r.response?.itemIds.length), [3, undefined, 4]);
  assert.equal(results[1].error.code, Code.INVALID_ARGUMENT);
  const error = await failure(client.batch(Array(65).fill(of("u1", 3))));
  assert.deepEqual(error.fieldViolations.map(({ field }) => field), ["requests"]);
});

online("a stream answers any number of requests in order", async (t) => {
  const client = connect(t, await startServer(t, bundles));
  const requests = Array.from({ length: 2017 }, (_, i) => of(`u${i % 60}`, 1 + (i % 7)));
  requests[1500] = of("u1", tooMany);
  const results = await all(client.stream(requests));
  assert.equal(results.length, 2017);
  results.forEach(({ index, version, response, error }, i) => {
    assert.equal(index, i);
    assert.equal(version, 1n);
    if (i === 1500) assert.equal(error.code, Code.INVALID_ARGUMENT);
    else assert.equal(response.itemIds.length, 1 + (i % 7));
  });
  assert.deepEqual(await all(client.stream([])), []);
  assert.equal((await failure(all(client.stream([{ ...of("u1", 3), bundleVersion: 9n }])))).code, Code.NOT_FOUND);
  // A reader may leave.
  for await (const result of client.stream(requests)) if (result.index === 3) break;
});

online("pages are the list", async (t) => {
  const client = connect(t, await startServer(t, bundles));
  const whole = await client.retrieve(of("u7", 25));
  const pages = await all(client.pages({ ...of("u7", 25), pageSize: 10 }));
  assert.deepEqual(pages.map((page) => page.itemIds.length), [10, 10, 5]);
  assert.deepEqual(pages.flatMap((page) => page.itemIds), whole.itemIds);
  const behind = await all(client.pages({ ...of("u7", 25), pageSize: 10, pageToken: pages[0].nextPageToken }));
  assert.deepEqual(behind.flatMap((page) => page.itemIds), whole.itemIds.slice(10));
  assert.equal((await failure(all(client.pages(of("u7", 25))))).code, Code.INVALID_ARGUMENT);
});

online("explain says what became of an item", async (t) => {
  const client = connect(t, await startServer(t, bundles), { timeoutMs: 1e-6 });
  const { items } = await client.explain({ request: of("u7", 5), itemIds: [FIRST_ITEM + 299n, 5n] });
  assert.equal(items.length, 2);
  assert.notEqual(items[0].sentence, "");
  assert.equal(items[1].verdict, Verdict.NOT_IN_THE_CATALOGUE);
});

online("a timeout and a signal end calls", async (t) => {
  const client = connect(t, await startServer(t, bundles));
  assert.equal((await failure(client.retrieve(of("u1", 5), { timeoutMs: 1e-6 }))).code, Code.DEADLINE_EXCEEDED);
  const aborted = AbortSignal.abort();
  await assert.rejects(client.retrieve(of("u1", 5), { signal: aborted }), aborted.reason);
  const controller = new AbortController();
  const reason = new Error("enough");
  await assert.rejects(async () => {
    for await (const { index } of client.stream(Array(1000).fill(of("u1", 200)), { signal: controller.signal })) {
      if (index === 0) controller.abort(reason);
    }
  }, reason);
  // Nobody listens there: the call waits.
  const waiting = connect(t, await freeAddress());
  const late = new AbortController();
  const call = waiting.retrieve(of("u1", 5), { signal: late.signal });
  setTimeout(() => late.abort(reason), 100);
  await assert.rejects(call, reason);
});

online("a call waits for a server that comes later", async (t) => {
  const address = await freeAddress();
  const call = connect(t, address).retrieve(of("u1", 5));
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  await startServer(t, bundles, address);
  assert.equal((await call).itemIds.length, 5);
  const impatient = connect(t, await freeAddress(), { waitForReady: false, attempts: 1 });
  assert.equal((await failure(impatient.retrieve(of("u1", 5)))).code, Code.UNAVAILABLE);
});

online("retries until the server is ready, with a limit", async (t) => {
  // It has no bundle, and says UNAVAILABLE.
  const empty = await startServer(t, mkdtempSync(join(folder, "empty-")));
  const { address, calls } = await startProxy(t, empty);
  const error = await failure(connect(t, address, { attempts: 3 }).retrieve(of("u1", 5)));
  assert.equal(error.code, Code.UNAVAILABLE);
  assert.equal(error.retryDelayMs, 1000);
  assert.equal(calls.length, 3);
  await failure(connect(t, address, { attempts: 1 }).retrieve(of("u1", 5)));
  assert.equal(calls.length, 4);
  // A wrong request stays wrong.
  const right = await startProxy(t, await startServer(t, bundles));
  await failure(connect(t, right.address).retrieve(of("u1", tooMany)));
  assert.equal(right.calls.length, 1);
});

online("retries stop when too many calls fail", async (t) => {
  const empty = await startServer(t, mkdtempSync(join(folder, "empty-")));
  const { address, calls } = await startProxy(t, empty);
  const client = connect(t, address, { attempts: 2, initialBackoffMs: 1 });
  for (let i = 0; i < 600; ++i) await failure(client.retrieve(of("u1", 5)));
  // The policy has a thousand tokens: each failure takes one, and with 500 left
  // there are no more retries.
  assert(calls.length >= 800 && calls.length <= 900, `${calls.length} attempts, expected some 250 retries`);
});

online("a call says how urgent it is", async (t) => {
  const { address, calls } = await startProxy(t, await startServer(t, bundles));
  const client = connect(t, address, { criticality: "batch" });
  await client.retrieve(of("u1", 5));
  await client.retrieve(of("u1", 5), { criticality: "interactive" });
  assert.deepEqual(calls.map((headers) => headers["x-tributary-criticality"]), ["batch", "interactive"]);
});

online("a connection is encrypted, and shows who calls", async (t) => {
  const authority = makeAuthority();
  const address = await startEncryptedServer(t, bundles, authority, ["first", "second", "third"]);
  const files = { caFile: authority.caFile, ...authority.issue("ranker") };
  const tokenFile = join(folder, "token");
  const client = connect(t, address, { tls: files, tokenFile });
  for (const token of ["first", "second"]) {
    writeFileSync(tokenFile, `${token}\nrest\n`);
    assert.equal((await client.retrieve(of("u1", 5))).itemIds.length, 5);
  }
  await connect(t, address, { tls: files, token: async () => "third" }).retrieve(of("u1", 5));
  writeFileSync(tokenFile, "fourth\n");
  assert.equal((await failure(client.retrieve(of("u1", 5)))).code, Code.UNAUTHENTICATED);
  for (const [name, tls] of Object.entries({
    "no certificate": { caFile: authority.caFile },
    "unknown authority": { ...files, caFile: makeAuthority().caFile },
    "another name": { ...files, serverName: "other" },
    "without encryption": undefined,
  })) {
    const impatient = connect(t, address, { tls, waitForReady: false, attempts: 1 });
    assert.equal((await failure(impatient.retrieve(of("u1", 5)))).code, Code.UNAVAILABLE, name);
  }
  rmSync(tokenFile);
  assert.equal((await failure(client.retrieve(of("u1", 5)))).code, Code.UNAUTHENTICATED);
});

test("options are checked", () => {
  for (const [text, address, options] of [
    ["address: localhost, expected host:port", "localhost", {}],
    ["address: unix:, expected host:port", "unix:", {}],
    ["attempts: 6, expected 1 to 5", "localhost:1", { attempts: 6 }],
    ["initialBackoffMs: 2000, expected 1 to 1000", "localhost:1", { initialBackoffMs: 2000 }],
    ["timeoutMs: 0, expected", "localhost:1", { timeoutMs: 0 }],
    ["criticality: soon", "localhost:1", { criticality: "soon" }],
    ["timeout: there is no such option", "localhost:1", { timeout: 5 }],
    ["tls.ca: there is no such option", "localhost:1", { tls: { ca: "" } }],
    ["tls.caFile: ENOENT", "localhost:1", { tls: { caFile: "/none.pem" } }],
    ["tls: give certificateFile and", "localhost:1", { tls: { privateKeyFile: "/none.key" } }],
    ["token: it would go to shop.example:80", "shop.example:80", { token: "x" }],
    ["token and tokenFile: give one", "localhost:80", { token: "x", tokenFile: "y" }],
  ]) {
    assert.throws(() => new Client(address, options), (error) => error.message.startsWith(text), text);
  }
});

test("the published policy is the server's", (t) => {
  let published;
  try {
    published = readFileSync(new URL("../../../config/service_config.json", import.meta.url), "utf8");
  } catch {
    t.skip("this is not a checkout of Tributary");
    return;
  }
  assert.equal(readFileSync(new URL("../lib/service_config.json", import.meta.url), "utf8"), published,
    "lib/service_config.json is not config/service_config.json: copy it");
});
