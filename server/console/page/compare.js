// Compare: one request, answered by two versions, labels or profiles.
import {announce, el, error, replace, text} from './dom.js';
import {answerers, fill, from, profiles, RequestForm, requestOf}
  from './request.js';
import {candidatesOf, factsOf, itemElement, notesOf} from './lookup.js';
import * as server from './server.js';
import * as words from './words.js';

const SIDES = ['left', 'right'];

async function ask(request) {
  const reply = await server.retrieve(request);
  const candidates = candidatesOf(reply);
  const titles = await server.titles(
    candidates.map((candidate) => candidate.key), reply.bundleVersion);
  const ranks = new Map(candidates.map((candidate, i) =>
    [candidate.key, i + 1]));
  return {reply, candidates, titles, ranks};
}

function moved(rank, other) {
  if (other === rank) return el('span', {class: 'muted'}, 'same rank');
  return other > rank
    ? el('span', {class: 'up'}, `▲ ${other - rank}, there no. ${other}`)
    : el('span', {class: 'down'}, `▼ ${rank - other}, there no. ${other}`);
}

function listElement(name, side, other) {
  return el('div', null,
    el('h3', null, name), factsOf(side.reply, side.candidates.length),
    notesOf(side.reply),
    el('ol', {class: 'candidates'}, side.candidates.map((candidate, i) => {
      const there = other.ranks.get(candidate.key);
      return el('li', {class: there === undefined && 'alone'},
        el('span', {class: 'rank'}, i + 1),
        itemElement(candidate.key, side.titles),
        el('span', {class: 'score'}, there === undefined
          ? el('strong', null, 'only here') : moved(i + 1, there)));
    })));
}

export class CompareView {
  constructor(page) {
    this.run = 0;
    this.selects = {};
    const choose = (side) => {
      const make = (name, label) => {
        const id = `${side}-${name}`;
        this.selects[id] = el('select', {id});
        return el('div', {class: 'field'}, el('label', {for: id}, label),
          this.selects[id]);
      };
      const name = side === 'left' ? 'Left' : 'Right';
      return [make('from', `${name}: answered from`),
        make('profile', `${name}: profile`)];
    };
    const sides = el('div', {class: 'fields'}, SIDES.map(choose));
    this.form = new RequestForm({action: 'Compare',
      leaves: ['from', 'profile', 'size'],
      submit: (parameters) => {
        if (!parameters.get('k')) parameters.set('k', '20');
        for (const [id, select] of Object.entries(this.selects)) {
          if (select.value) parameters.set(id, select.value);
        }
        page.go('compare', parameters);
      }});
    this.form.element.prepend(sides);
    this.answer = el('div');
    this.element = el('section', {'aria-labelledby': 'compare-heading'},
      el('h2', {id: 'compare-heading'}, 'Compare'),
      this.form.element, this.answer);
  }

  async show(parameters, status) {
    this.form.show(parameters, status);
    for (const [id, select] of Object.entries(this.selects)) {
      const [side, name] = id.split('-');
      // What a look-up asked is the left side.
      const chosen = parameters.get(id) ||
        (side === 'left' && parameters.get(name)) || '';
      fill(select, name === 'from' ? answerers(status) : profiles(status),
        chosen);
    }
    const run = ++this.run;
    if (parameters.size === 0) {
      replace(this.answer);
      return;
    }
    try {
      const request = requestOf(parameters, status);
      delete request.bundleVersion;
      delete request.bundleLabel;
      delete request.profile;
      replace(this.answer, el('p', {class: 'muted'}, 'Asking the server …'));
      const [left, right] = await Promise.all(SIDES.map((side) =>
        ask({...request, ...from(this.selects[`${side}-from`].value,
          this.selects[`${side}-profile`].value)})));
      if (run === this.run) this.draw(left, right);
    } catch (problem) {
      if (run === this.run) replace(this.answer, error(problem.message));
    }
  }

  draw(left, right) {
    const both = left.candidates.filter((candidate) =>
      right.ranks.has(candidate.key));
    const longer = Math.max(left.candidates.length, right.candidates.length);
    const overlap = longer === 0 ? 1 : both.length / longer;
    const facts = [
      `${both.length} items in both`,
      `${left.candidates.length - both.length} only left`,
      `${right.candidates.length - both.length} only right`,
      `overlap ${words.number(overlap, 3)} (in both, of the longer list)`,
      `${both.filter((candidate) => left.ranks.get(candidate.key) !==
        right.ranks.get(candidate.key)).length} at another rank`];
    replace(this.answer,
      el('ul', {class: 'facts', id: 'compared'}, facts.map((fact) =>
        el('li', null, text(fact)))),
      el('div', {class: 'pair'}, listElement('Left', left, right),
        listElement('Right', right, left)));
    announce(`${both.length} items in both lists`);
  }
}
