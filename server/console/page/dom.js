// Elements. What comes from data only ever becomes text: nothing here takes
// HTML, and the page's policy forbids it (trusted types).

// Makes an element. Children are elements, texts and numbers; null is skipped.
// An attribute that is a function listens to the event of its name.
export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') {
      element.addEventListener(name, value);
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

export function replace(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

// A text of others. It cannot turn the direction of what is around it.
export function text(value, attributes) {
  return el('bdi', {dir: 'auto', ...attributes}, value);
}

export function error(message) {
  return el('p', {class: 'error', role: 'alert'}, text(message));
}

// A table: columns are [heading, cell of a row, class]. A class of true is that
// of numbers. The caption is not shown where a heading says the same.
export function table(caption, columns, rows, shown = true) {
  const element = el('div', {class: 'scroll', tabindex: 0, role: 'region',
    'aria-label': caption},
    el('table', {'aria-label': caption},
      el('thead', null, el('tr', null, columns.map(([heading, , kind]) =>
        el('th', {scope: 'col', class: kind === true ? 'number' : kind},
          heading)))),
      el('tbody', null, rows.map((row, i) => el('tr', null,
        columns.map(([, cell, kind]) =>
          el('td', {class: kind === true ? 'number' : kind},
            cell(row, i))))))));
  return shown ? [el('p', {class: 'caption'}, caption), element] : [element];
}

export function values(pairs) {
  return el('dl', {class: 'values'}, pairs.filter((pair) => pair)
    .map(([name, value]) => [el('dt', null, name), el('dd', null, value)]));
}

// Says to people who do not see the page what it shows now.
export function announce(message) {
  document.getElementById('announcement').textContent = message;
}

// A dot of the colour that belongs to a name.
const colours = new Map();
export function colourOf(name) {
  if (!colours.has(name)) colours.set(name, colours.size % 8);
  return colours.get(name);
}

export function chip(name, ...rest) {
  return el('span', {class: 'chip'},
    el('span', {class: `dot series-${colourOf(name)}`, 'aria-hidden': 'true'}),
    el('span', null, text(name), rest));
}
