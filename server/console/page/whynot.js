// Why not?: what became of an item in a request.
import {announce, chip, el, error, replace, table, text, values}
  from './dom.js';
import {parametersOf, RequestForm, requestOf} from './request.js';
import {itemElement} from './lookup.js';
import * as server from './server.js';
import * as words from './words.js';

function yes(value) {
  return value ? 'yes' : 'no';
}

function sourcesTable(sources) {
  return table('What each source makes of it', [
    ['Source', (source) => chip(source.name)],
    ['Had something to search by', (source) => yes(source.hadQuery)],
    ['Knows the item', (source) => yes(source.knowsItem)],
    ['Exact rank', (source) => source.exactRank || '–', true],
    ['Exact score', (source) => source.exactRank
      ? words.number(source.exactScore) : '–', true],
    ['Proposed at rank', (source) => source.proposedRank || '–', true],
    ['Asked for', (source) => source.asked || 0, true],
    ['Adds to the score', (source) => words.number(source.contribution || 0),
      true],
    ['Missed by the index', (source) => yes(source.missedByIndex)],
  ], sources);
}

function explanationElement(item, titles) {
  return el('article', null,
    el('h3', null, words.verdict(item.verdict)),
    itemElement(item.itemKey || '', titles),
    item.sentence ? el('p', null, text(item.sentence)) : null,
    (item.nearestKeys || []).length > 0
      ? el('div', null, el('p', null, 'Keys that are most like it:'),
        el('ul', null, item.nearestKeys.map((key) =>
          el('li', {class: 'mono'}, text(key))))) : null,
    (item.failedTerms || []).length > 0
      ? table('Terms that it fails', [
        ['Term', (term) => text(term.term || '')],
        ['The item\'s value', (term) => text(term.value || 'none')],
      ], item.failedTerms) : null,
    values([
      item.rank && ['Rank in the list', item.rank],
      item.fusedRank &&
        ['Rank by fused score',
          `${item.fusedRank} among all that was proposed`],
      item.fusedRank && ['Fused score', words.number(item.fusedScore)],
      item.fusedRank && item.factor !== undefined && item.factor !== 1 &&
        ['Factor of boosts and decay', words.number(item.factor)],
      item.capAttribute && ['Cap', text(item.capAttribute)],
    ]),
    (item.capItems || []).length > 0
      ? el('div', null, el('p', null,
        'Candidates before it with the same value:'),
      el('ul', null, item.capItems.map((key) =>
        el('li', {class: 'mono'}, text(key))))) : null,
    (item.sources || []).length > 0 ? sourcesTable(item.sources) : null,
    item.remedy ? remedyElement(item.remedy) : null);
}

function remedyElement(remedy) {
  const parameters = parametersOf(remedy);
  if (parameters.size === 0) parameters.set('k', '20');
  return el('div', null,
    el('p', null, 'The least change of the request that brings it in:'),
    el('pre', {class: 'mono'}, text(JSON.stringify(remedy, null, 1))),
    el('div', {class: 'actions'}, el('a', {class: 'button',
      href: `#lookup?${parameters}`}, 'Look up with this change')));
}

export class WhyView {
  constructor(page) {
    this.run = 0;
    this.form = new RequestForm({action: 'Explain', leaves: ['size'],
      first: [['item', 'Item', 'The key of the item that is not in the list, ' +
        'or of one that is.']],
      submit: (parameters) => {
        if (!parameters.get('item')) {
          ++this.run;
          replace(this.answer, error('Item: expected the key of an item.'));
          return;
        }
        page.go('why', parameters);
      }});
    this.answer = el('div');
    this.element = el('section', {'aria-labelledby': 'why-heading'},
      el('h2', {id: 'why-heading'}, 'Why not?'), this.form.element,
      this.answer);
  }

  async show(parameters, status) {
    this.form.show(parameters, status);
    const run = ++this.run;
    const item = parameters.get('item');
    if (!item) {
      replace(this.answer);
      return;
    }
    try {
      const request = requestOf(parameters, status);
      replace(this.answer, el('p', {class: 'muted'}, 'Asking the server …'));
      const reply = await server.explain({request, itemKeys: [item]});
      const items = reply.items || [];
      const titles = await server.titles(items.map((each) => each.itemKey),
        reply.bundleVersion);
      if (run !== this.run) return;
      replace(this.answer,
        el('ul', {class: 'facts'}, [`version ${reply.bundleVersion}`,
          reply.bundleLabel && `label ${reply.bundleLabel}`,
          reply.profile && `profile ${reply.profile}`]
          .filter((fact) => fact).map((fact) => el('li', null, text(fact)))),
        items.map((each) => explanationElement(each, titles)));
      announce(items.length > 0 ? words.verdict(items[0].verdict)
        : 'No explanation');
    } catch (problem) {
      if (run === this.run) replace(this.answer, this.failure(problem));
    }
  }

  failure(problem) {
    // 404 also says that a version is not resident, and then names it.
    const missing = problem.status === 501 || (problem.status === 404 &&
      /\/v1\/explain does not exist/.test(problem.message));
    return missing
      ? el('p', {class: 'note', role: 'alert'},
        'This server has no Explain, so it cannot say why.')
      : error(problem.message);
  }
}
