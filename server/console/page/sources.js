// Sources: what each contributes to answers.
import {chip, el, error, replace, table, text} from './dom.js';
import * as server from './server.js';
import * as words from './words.js';

const SPANS = [['hour', 'the last hour'],
  ['life', 'since the server started']];

const sum = (numbers) => numbers.reduce((all, each) => all + each, 0);
// A quota is what was admitted and what fell short.
const missing = (source) => sum(Object.values(source.shortfall));
const target = (source) => source.admitted + missing(source);

function shortfalls(source) {
  const causes = Object.entries(source.shortfall)
    .filter(([, candidates]) => candidates > 0)
    .sort(([, a], [, b]) => b - a);
  if (causes.length === 0) return 'none';
  return causes.map(([cause, candidates]) => el('div', null,
    `${words.percent(candidates, target(source))} ${words.shortCause(cause)}`));
}

export class SourcesView {
  constructor(page) {
    this.page = page;
    this.answer = el('div');
    this.radios = SPANS.map(([span, label]) => {
      const input = el('input', {type: 'radio', name: 'span', value: span,
        id: `span-${span}`, change: () => page.go('sources',
          new URLSearchParams({span}))});
      return [input, el('label', {for: `span-${span}`}, label)];
    });
    this.element = el('section', {'aria-labelledby': 'sources-heading'},
      el('h2', {id: 'sources-heading'}, 'Sources'),
      el('fieldset', null, el('legend', null, 'Span'),
        this.radios.map(([input, label]) => el('span', null, input, ' ',
          label))),
      this.answer);
  }

  async show(parameters) {
    this.span = SPANS.some(([span]) => span === parameters.get('span'))
      ? parameters.get('span') : 'hour';
    for (const [input] of this.radios) {
      input.checked = input.value === this.span;
    }
    await this.refresh();
  }

  async refresh() {
    const span = this.span;
    try {
      const history = await server.history();
      if (span === this.span) this.draw(history);
    } catch (problem) {
      replace(this.answer, error(problem.message));
    }
  }

  draw(history) {
    const sources = history.sources[this.span];
    const used = sources.filter((source) => target(source) > 0 ||
      source.proposed > 0);
    const all = sum(used.map((source) => source.admitted));
    const minutes = Math.max(0, history.now.unixSeconds -
      history.oldestUnixSeconds) / 60;
    replace(this.answer,
      el('p', {class: 'muted'}, this.span === 'hour'
        ? `The last ${words.number(minutes, 2)} minutes.`
        : 'All requests since the server started.'),
      used.length === 0
        ? el('p', null, 'No request was answered in this time.')
        : [this.table(used, all), this.overlaps(used)]);
  }

  table(used, all) {
    return table('Contributions', [
      ['Source', (source) => chip(source.name)],
      ['Quotas', (source) => words.count(target(source)), true],
      ['Admitted', (source) => words.count(source.admitted), true],
      ['of its quotas', (source) =>
        words.percent(source.admitted, target(source)), true],
      ['of all admitted', (source) => words.percent(source.admitted, all),
        true],
      ['Proposed in replies', (source) => words.count(source.proposed), true],
      ['Searches', (source) => words.count(source.searches), true],
      ['Live recall', (source) => source.recall === null ? '–'
        : words.number(source.recall, 3), true],
      ['Shortfalls', shortfalls, 'words'],
    ], used);
  }

  overlaps(used) {
    const rows = used.filter((source) => source.proposed > 0);
    return [table('Overlap: of the candidates that a row\'s source proposed, ' +
      'the share that the column\'s source proposed, too', [
      ['Source', (source) => chip(source.name)],
      ...rows.map((other) => [text(other.name), (source) =>
        source === other ? '' : words.percent(
          source.overlap[other.name] || 0, source.proposed), true]),
    ], rows)];
  }
}
