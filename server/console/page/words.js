// The server's names in words, and numbers as people read them.

const CAUSES = {
  NO_SHORTFALL: 'none',
  NO_QUERY: 'it had nothing to search by: no vector and no history',
  EXHAUSTED: 'it proposed everything that it has',
  DEADLINE: 'it did not answer before the deadline',
  FAILED: 'it failed; the server\'s log says why',
  LIST_FULL: 'sources of higher priority filled the list',
  NOT_ASKED: 'it was not asked, because the server had too much to do',
  FILTERED: 'it proposed everything that it has and that passes the filter',
  CAPPED: 'caps kept too many of its proposals out of the list',
};
const SHORT_CAUSES = {
  NO_QUERY: 'nothing to search by',
  EXHAUSTED: 'proposed all it has',
  DEADLINE: 'late',
  FAILED: 'failed',
  LIST_FULL: 'list was full',
  NOT_ASKED: 'not asked',
  FILTERED: 'filtered',
  CAPPED: 'capped',
};
const NOTICES = {
  SEGMENT_UNKNOWN: 'The bundle has no list for the segment: popularity came ' +
    'from the lists for everyone.',
  WEIGHTS_UNUSABLE: 'No source with a weight above 0 proposed an item: all ' +
    'sources had the weight 1 instead.',
};
const LEVELS = {
  FULL_SERVICE: 'all of it',
  LESS_EFFORT: 'less search effort',
  FEWER_SOURCES: 'fewer sources',
  POPULARITY_ONLY: 'popularity only',
};
const VERDICTS = {
  IN_THE_LIST: 'It is in the list',
  NOT_IN_THE_CATALOGUE: 'The catalogue does not have it',
  SEEN: 'The user has already had it',
  EXCLUDED: 'The request excludes it',
  DOES_NOT_PASS: 'It does not pass the filter',
  NOT_PROPOSED: 'No source proposed it',
  KEPT_OUT_BY_CAP: 'A cap kept it out',
  BELOW_K: 'Others took the places',
  TAKEN_DOWN: 'A live change took it down',
  EXPIRED: 'It has expired',
};
const STATES = {
  ON_DISK: 'on disk',
  STAGED: 'staged',
  ACTIVE: 'active',
  PREVIOUS: 'previous',
};

// A name that this page does not know yet is shown as it is.
const from = (words) => (name) => words[name] || String(name || '');
export const cause = from(CAUSES);
export const shortCause = from(SHORT_CAUSES);
export const notice = from(NOTICES);
export const level = from(LEVELS);
export const verdict = from(VERDICTS);
export const state = from(STATES);
export const levelOf = (number) =>
  Object.values(LEVELS)[Math.round(number)] || String(number);

export function count(value) {
  return Number(value || 0).toLocaleString('en');
}

export function number(value, digits = 4) {
  if (value === null || value === undefined ||
      !Number.isFinite(Number(value))) {
    return '–';
  }
  return String(Number(Number(value).toPrecision(digits)));
}

export function percent(part, whole) {
  return whole > 0 ? `${(100 * part / whole).toFixed(1)} %` : '–';
}

export function bytes(value) {
  let size = Number(value || 0);
  for (const unit of ['B', 'KiB', 'MiB', 'GiB', 'TiB']) {
    if (size < 1024 || unit === 'TiB') {
      return `${size < 10 && unit !== 'B' ? size.toFixed(1)
        : Math.round(size)} ${unit}`;
    }
    size /= 1024;
  }
  return '';
}

export function milliseconds(value) {
  return value === null || value === undefined ? '–' : `${number(value, 3)} ms`;
}

// A time of proto JSON.
export function time(value) {
  if (!value) return '–';
  return `${value.slice(0, 19).replace('T', ' ')} UTC`;
}
