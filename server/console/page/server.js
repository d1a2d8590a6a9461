// What the page asks the server.

export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function call(path, options) {
  let reply;
  try {
    reply = await fetch(path, {cache: 'no-store', ...options});
  } catch {
    throw new ServerError('The server cannot be reached.', 0);
  }
  let json = null;
  try {
    json = await reply.json();
  } catch {
    // What is no JSON is said by the status.
  }
  if (!reply.ok) {
    const message = json && json.message;
    throw new ServerError(message || `The server answered ${reply.status}.`,
                          reply.status);
  }
  return json;
}

const post = (path, body) => call(path, {
  method: 'POST',
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify(body),
});

export const retrieve = (request) => post('v1/retrieve', request);
export const explain = (request) => post('v1/explain', request);
export const history = () => call('console/api/history');

// The status changes when a version does; every view that needs it asks.
let kept = null;
let keptAt = 0;
export async function status() {
  if (!kept || Date.now() - keptAt > 2000) {
    kept = await call('console/api/status');
    keptAt = Date.now();
  }
  return kept;
}

const KEYS_AT_ONCE = 500;

// Titles by key. Without them a list is as good, if less to look at.
export async function titles(keys, version) {
  const found = new Map();
  for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
    try {
      const part = await post('console/api/titles', {
        itemKeys: keys.slice(i, i + KEYS_AT_ONCE),
        version: String(version || 0),
      });
      if (!part.hasTitles) break;
      for (const key of Object.keys(part.titles)) {
        found.set(key, part.titles[key]);
      }
    } catch {
      break;
    }
  }
  return found;
}
