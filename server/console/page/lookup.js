// Look up: a user's candidates, and where each comes from.
import {announce, chip, el, error, replace, table, text} from './dom.js';
import {REQUEST_PARAMETERS, RequestForm, requestOf} from './request.js';
import * as server from './server.js';
import * as words from './words.js';

// The candidates of a reply: key, score, factor, and what sources said.
export function candidatesOf(reply) {
  const keys = reply.itemKeys || reply.itemIds || [];
  const reports = reply.sourceReports || [];
  return keys.map((key, i) => ({
    key: String(key),
    score: (reply.scores || [])[i],
    factor: (reply.factors || [])[i],
    sources: reports.filter((report, s) =>
      (((reply.sources || [])[i] || 0) >>> s) & 1).map((report) => ({
      name: report.name,
      rank: (report.ranks || [])[i],
      score: (report.rawScores || [])[i],
    })),
  }));
}

export function itemElement(key, titles) {
  const title = titles.get(key);
  return el('div', null,
    title !== undefined ? el('div', {class: 'title'}, text(title)) : null,
    el('div', {class: title === undefined ? 'title mono' : 'key mono'},
      text(key)));
}

// What a reply says besides its candidates.
export function factsOf(reply, shown, took) {
  const facts = [`version ${reply.bundleVersion}`];
  if (reply.bundleLabel) facts.push(`label ${reply.bundleLabel}`);
  if (reply.profile) facts.push(`profile ${reply.profile}`);
  facts.push(`${shown} candidates`);
  if (took !== undefined) {
    facts.push(`${words.milliseconds(took)} from this browser`);
  }
  if (reply.coldStart) facts.push('cold start');
  if (reply.unknownItems) {
    facts.push(`${reply.unknownItems} items that the catalogue does not have`);
  }
  if (reply.filter) {
    facts.push(
      `${words.count(reply.filter.passingItems)} items pass the filter`);
  }
  return el('ul', {class: 'facts'}, facts.map((fact) =>
    el('li', null, text(fact))));
}

export function notesOf(reply) {
  const notes = (reply.notices || []).map(words.notice);
  if (reply.degraded) {
    notes.push('A source failed or was late; others have filled its quota ' +
      'where they could.');
  }
  if (reply.serviceLevel) {
    notes.push('The server had too much to do and did less: ' +
      `${words.level(reply.serviceLevel)}.`);
  }
  for (const value of (reply.filter || {}).unknownValues || []) {
    notes.push(`The filter asks for a value that no item has: ${value}`);
  }
  for (const name of (reply.filter || {}).relaxed || []) {
    notes.push(`Too few items passed: the filter's terms on ${name} were ` +
      'dropped.');
  }
  for (const cap of reply.caps || []) {
    notes.push(`The cap on ${cap.attribute} kept ${cap.rejected || 0} items ` +
      'out.');
  }
  return notes.map((note) => el('p', {class: 'note'}, text(note)));
}

function latency(report, most) {
  const micros = report.micros || 0;
  const bar = el('span', {class: 'bar', 'aria-hidden': 'true'});
  bar.style.width = `${most > 0 ? Math.ceil(80 * micros / most) : 0}px`;
  return [bar, ' ', words.milliseconds(micros / 1000)];
}

export function sourcesTable(reply) {
  const reports = reply.sourceReports || [];
  const most = Math.max(0, ...reports.map((report) => report.micros || 0));
  return table('Sources, in order of priority', [
    ['Source', (report) => chip(report.name)],
    ['Quota', (report) => report.target || 0, true],
    ['Admitted', (report) => report.admitted || 0, true],
    ['Proposed', (report) => report.proposed || 0, true],
    ['Asked', (report) => report.asked || 0, true],
    ['Time', (report) => latency(report, most), 'words'],
    ['Shortfall', (report) => report.shortfall
      ? `${report.shortfall}: ${words.cause(report.cause)}` : 'none', 'words'],
  ], reports);
}

function candidateElement(candidate, rank, titles, why) {
  return el('li', null,
    el('span', {class: 'rank'}, rank),
    itemElement(candidate.key, titles),
    el('div', {class: 'chips'}, candidate.sources.map((source) =>
      chip(source.name, source.rank
        ? ` no. ${source.rank}, ${words.number(source.score)}` : ''))),
    el('span', {class: 'score'}, words.number(candidate.score, 5),
      candidate.factor !== undefined && candidate.factor !== 1
        ? el('div', {class: 'key'}, `factor ${words.number(candidate.factor)}`)
        : null),
    el('span', {class: 'act'}, el('a', {href: why,
      'aria-label': `Why is no. ${rank} there?`}, 'why?')));
}

export class LookupView {
  constructor(page) {
    this.page = page;
    this.run = 0;
    this.form = new RequestForm({action: 'Look up',
      submit: (parameters) => {
        // The same address again would be no change.
        if (!parameters.get('k')) parameters.set('k', this.defaultK());
        page.go('lookup', parameters);
      }});
    this.answer = el('div');
    this.element = el('section', {'aria-labelledby': 'lookup-heading'},
      el('h2', {id: 'lookup-heading'}, 'Look up'),
      this.form.element, this.answer);
  }

  defaultK() {
    const status = this.page.status;
    return String(Math.min(20, (status && status.defaults.k) || 20));
  }

  async show(parameters, status) {
    this.form.show(parameters, status);
    const run = ++this.run;
    if (parameters.size === 0) {
      replace(this.answer);
      return;
    }
    try {
      const request = {...requestOf(parameters, status), view: 'FULL'};
      if (parameters.get('size')) {
        request.pageSize = Number(parameters.get('size'));
      }
      if (parameters.get('page')) request.pageToken = parameters.get('page');
      replace(this.answer, el('p', {class: 'muted'}, 'Asking the server …'));
      const start = performance.now();
      const reply = await server.retrieve(request);
      const took = performance.now() - start;
      const candidates = candidatesOf(reply);
      const titles = await server.titles(
        candidates.map((candidate) => candidate.key), reply.bundleVersion);
      if (run !== this.run) return;
      this.draw(parameters, reply, candidates, titles, took);
    } catch (problem) {
      if (run === this.run) replace(this.answer, error(problem.message));
    }
  }

  // The address of "Why not?" for the same request, and an item if there is
  // one. Candidates are explained in the version that answered.
  why(parameters, reply, key) {
    const next = new URLSearchParams();
    for (const name of REQUEST_PARAMETERS) {
      if (parameters.get(name) && name !== 'size') {
        next.set(name, parameters.get(name));
      }
    }
    next.set('from', `version:${reply.bundleVersion}`);
    if (key !== undefined) next.set('item', key);
    return `#why?${next}`;
  }

  draw(parameters, reply, candidates, titles, took) {
    const start = Number(parameters.get('start') || 0);
    const next = new URLSearchParams(parameters);
    next.set('page', reply.nextPageToken || '');
    next.set('start', String(start + candidates.length));
    const first = new URLSearchParams(parameters);
    first.delete('page');
    first.delete('start');
    replace(this.answer,
      factsOf(reply, start > 0
        ? `${start + 1} to ${start + candidates.length}: ${candidates.length}`
        : candidates.length, took),
      notesOf(reply), sourcesTable(reply),
      el('h3', null, 'Candidates'),
      el('div', {class: 'actions'},
        el('a', {class: 'button', href: this.why(parameters, reply)},
          'Why not another item?'),
        el('a', {class: 'button', href: `#compare?${first}`}, 'Compare')),
      el('ol', {class: 'candidates'}, candidates.map((candidate, i) =>
        candidateElement(candidate, start + i + 1, titles,
          this.why(parameters, reply, candidate.key)))),
      el('div', {class: 'actions'},
        start > 0 ? el('a', {class: 'button', href: `#lookup?${first}`},
          'First page') : null,
        reply.nextPageToken
          ? el('a', {class: 'button next', href: `#lookup?${next}`},
            'Next page') : null));
    announce(`${candidates.length} candidates from version ` +
      `${reply.bundleVersion}`);
  }
}
