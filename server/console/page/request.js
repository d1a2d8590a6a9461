// The request: as a form, as the part of the address after '#', and as the
// message that the server reads.
import {el, text} from './dom.js';

// The parameters of an address that are about the request.
export const REQUEST_PARAMETERS = ['user', 'recent', 'k', 'quotas', 'where',
  'segment', 'seen', 'more', 'profile', 'from', 'size'];

let forms = 0;

const lines = (value) => value.split('\n').map((line) => line.trim())
  .filter((line) => line !== '');

// "behavior=10 content=5"
function quotasOf(value) {
  const quotas = {};
  for (const part of value.split(/[\s,]+/).filter((each) => each !== '')) {
    const match = /^(.+)=(\d+)$/.exec(part);
    if (!match) {
      throw new Error(`Quotas: expected source=count, found "${part}".`);
    }
    quotas[match[1]] = {target: Number(match[2])};
  }
  return quotas;
}

// "version:7" and "label:canary".
export function from(value, profile) {
  const answer = {};
  if (value.startsWith('version:')) answer.bundleVersion = value.slice(8);
  if (value.startsWith('label:')) answer.bundleLabel = value.slice(6);
  if (profile) answer.profile = profile;
  return answer;
}

function moreOf(value) {
  let more;
  try {
    more = JSON.parse(value);
  } catch (problem) {
    throw new Error(`Further fields: no JSON (${problem.message}).`);
  }
  if (more === null || typeof more !== 'object' || Array.isArray(more)) {
    throw new Error('Further fields: expected an object, such as ' +
      '{"caps": [{"attribute": "brand", "max": 2}]}.');
  }
  return more;
}

// The message that the parameters say. Throws what is wrong with them.
export function requestOf(parameters, status) {
  const get = (name) => (parameters.get(name) || '').trim();
  const request = get('more') ? moreOf(get('more')) : {};
  if (get('user')) request.userKey = get('user');
  if (get('k')) request.k = Number(get('k'));
  if (get('quotas')) request.quotas = quotasOf(get('quotas'));
  if (get('where')) {
    request.filter = {...request.filter, where: get('where')};
  }
  if (get('segment')) request.segment = get('segment');
  if (get('seen')) request.includeSeen = true;
  const recent = lines(get('recent'));
  if (recent.length > 0) {
    const name = hasNumbers(status, get('from')) ? 'recentItemIds'
      : 'recentItemKeys';
    request[name] = recent;
  }
  Object.assign(request, from(get('from'), get('profile')));
  return request;
}

// Whether the keys of items are numbers in the version that answers.
function hasNumbers(status, where) {
  const bundles = (status && status.bundles) || [];
  const active = String((status && status.status.activeVersion) || '');
  let version = active;
  if (where.startsWith('version:')) version = where.slice(8);
  if (where.startsWith('label:')) {
    const label = (status.status.labels || [])
      .find((each) => each.name === where.slice(6));
    if (label) version = String(label.version);
  }
  const bundle = bundles.find((each) => each.version === version);
  return Boolean(bundle) && bundle.itemKeys === 'UINT64';
}

// The parameters that say a message: the opposite of requestOf.
export function parametersOf(request) {
  const parameters = new URLSearchParams();
  const more = {...request};
  const take = (name) => {
    const value = more[name];
    delete more[name];
    return value;
  };
  const set = (name, value) => {
    if (value !== undefined && value !== '' && value !== 0) {
      parameters.set(name, String(value));
    }
  };
  set('user', take('userKey') || take('userId'));
  set('k', take('k'));
  const quotas = Object.entries(more.quotas || {});
  const plain = quotas.every(([, quota]) =>
    Object.keys(quota).every((name) => name === 'target'));
  if (plain) {
    // A target of 0 is not written.
    set('quotas', quotas.map(([name, quota]) =>
      `${name}=${quota.target || 0}`).join(' '));
    take('quotas');
  }
  if (more.filter) {
    const {where, ...rest} = take('filter');
    set('where', where);
    if (Object.keys(rest).length > 0) more.filter = rest;
  }
  set('segment', take('segment'));
  if (take('includeSeen')) parameters.set('seen', '1');
  const recent = take('recentItemKeys') || take('recentItemIds');
  if (recent) set('recent', recent.join('\n'));
  const version = take('bundleVersion');
  const label = take('bundleLabel');
  if (version && version !== '0') set('from', `version:${version}`);
  if (label) set('from', `label:${label}`);
  set('profile', take('profile'));
  for (const name of ['view', 'pageSize', 'pageToken']) take(name);
  if (Object.keys(more).length > 0) set('more', JSON.stringify(more));
  return parameters;
}

function field(name, label, input, hint, kind) {
  const id = `f${forms}-${name}`;
  input.id = id;
  input.setAttribute('name', name);
  const note = hint && el('p', {class: 'hint', id: `${id}-hint`}, hint);
  if (note) input.setAttribute('aria-describedby', note.id);
  const names = el('label', {for: id}, label);
  return kind === 'check'
    ? el('div', {class: 'field check'}, input, ' ', names, note)
    : el('div', {class: kind ? `field ${kind}` : 'field'}, names, input, note);
}

const line = (attributes) => el('input', {type: 'text', autocomplete: 'off',
  autocapitalize: 'off', spellcheck: 'false', ...attributes});

// The choices of where an answer comes from, and by which profile. They keep
// what is chosen, even if the server does not have it any more.
export function fill(select, choices, chosen) {
  const list = [...choices];
  if (chosen && !list.some(([value]) => value === chosen)) {
    list.push([chosen, `${chosen} (not here)`]);
  }
  select.replaceChildren(...list.map(([value, label]) =>
    el('option', {value}, label)));
  select.value = chosen || '';
}

export function answerers(status) {
  const resident = ((status && status.status.bundles) || []);
  return [['', 'label\'s or active version'],
    ...((status && status.status.labels) || []).map((label) =>
      [`label:${label.name}`,
        `label ${label.name} (version ${label.version})`]),
    ['label:stable', 'the active version'],
    ...resident.map((bundle) => [`version:${bundle.version}`,
      `version ${bundle.version}${bundle.state === 'ACTIVE' ? ' (active)'
        : ''}`])];
}

export function profiles(status) {
  return [['', 'by the user\'s share'], ['none', 'none'],
    ...((status && status.profiles) || []).map((profile) =>
      [profile.name, profile.share > 0
        ? `${profile.name} (${profile.share * 100} % of the users)`
        : profile.name])];
}

// A form for the request. `more` are fields of the view's own, which come
// first. `leaves` out fields by name. Calls submit(parameters).
export class RequestForm {
  constructor({first = [], leaves = [], action, submit}) {
    ++forms;
    this.leaves = leaves;
    this.inputs = new Map();
    const make = (name, ...rest) => {
      if (leaves.includes(name)) return null;
      const made = field(name, ...rest);
      this.inputs.set(name, rest[1]);
      return made;
    };
    this.sourcesHint = el('span');
    this.attributesHint = el('span');
    const own = first.map(([name, label, hint]) =>
      make(name, label, line({required: true}), hint, 'wide'));
    this.element = el('form', {novalidate: true, submit: (event) => {
      event.preventDefault();
      submit(this.parameters());
    }},
    el('div', {class: 'fields'}, own,
      make('user', 'User', line(), 'The user\'s key. Empty: anonymous.'),
      make('k', 'Candidates', line({inputmode: 'numeric', pattern: '[0-9]*'}),
        'How many. Empty: the server\'s default.'),
      make('from', 'Answered from', el('select'), null),
      make('profile', 'Profile', el('select'), null),
      make('recent', 'Recent items', el('textarea', {rows: 2}),
        'Keys, one on each line, oldest first.', 'two'),
      make('where', 'Filter', line(),
        [el('span', null, 'Such as price < 50. '), this.attributesHint],
        'two')),
    el('details', null, el('summary', null, 'More'),
      el('div', {class: 'fields'},
        make('quotas', 'Quotas', line(),
          [el('span', null, 'source=count, with spaces between. '),
            this.sourcesHint]),
        make('size', 'Page size', line({inputmode: 'numeric'}),
          'Empty: all candidates at once.'),
        make('segment', 'Segment', line(), 'For popularity.'),
        make('seen', 'Include items that the user has had',
          el('input', {type: 'checkbox', value: '1'}), null, 'check'),
        make('more', 'Further fields',
          el('textarea', {rows: 3, spellcheck: 'false', class: 'mono'}),
          'JSON of a RetrieveRequest, such as ' +
          '{"caps": [{"attribute": "brand", "max": 2}]}.', 'wide'))),
    el('div', {class: 'actions'},
      el('button', {type: 'submit', class: 'main'}, action)));
  }

  // Shows what may be chosen, and the parameters.
  show(parameters, status) {
    const select = (name, choices) => {
      const input = this.inputs.get(name);
      if (input) fill(input, choices, parameters.get(name) || '');
    };
    select('from', answerers(status));
    select('profile', profiles(status));
    for (const [name, input] of this.inputs) {
      if (name === 'from' || name === 'profile') continue;
      const value = parameters.get(name) || '';
      if (input.type === 'checkbox') {
        input.checked = value !== '';
      } else if (input.value !== value) {
        input.value = value;
      }
    }
    const details = this.element.querySelector('details');
    if (['quotas', 'size', 'segment', 'seen', 'more'].some((name) =>
      !this.leaves.includes(name) && parameters.get(name))) {
      details.open = true;
    }
    this.hint(status);
  }

  hint(status) {
    const bundles = (status && status.bundles) || [];
    const active = bundles.find((bundle) =>
      bundle.version === String(status.status.activeVersion));
    const names = (list) => list.map((each) => each.name).join(', ');
    this.sourcesHint.replaceChildren(...(active && active.retrievers.length > 0
      ? ['Sources: ', text(names(active.retrievers)), '.'] : []));
    this.attributesHint.replaceChildren(
      ...(active && active.attributes.length > 0
        ? ['Attributes: ', text(names(active.attributes)), '.'] : []));
  }

  parameters() {
    const parameters = new URLSearchParams();
    for (const [name, input] of this.inputs) {
      const value = input.type === 'checkbox' ? (input.checked ? '1' : '')
        : input.value.trim();
      if (value !== '') parameters.set(name, value);
    }
    return parameters;
  }
}
