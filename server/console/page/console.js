// The page: which view is shown, by the part of the address after '#':
//   #lookup?user=u1&k=20
import {announce, el, error, replace} from './dom.js';
import {BundlesView} from './bundles.js';
import {CompareView} from './compare.js';
import {LookupView} from './lookup.js';
import {NowView} from './now.js';
import {REQUEST_PARAMETERS} from './request.js';
import {SourcesView} from './sources.js';
import {WhyView} from './whynot.js';
import * as server from './server.js';

const REFRESH_MS = 10000;
const NAMES = {lookup: 'Look up', why: 'Why not?', compare: 'Compare',
  sources: 'Sources', bundles: 'Bundles', now: 'Now'};
const WITH_REQUEST = ['lookup', 'why', 'compare'];

class Page {
  constructor() {
    this.main = document.getElementById('main');
    this.status = null;
    this.shown = null;
    this.views = {
      lookup: new LookupView(this),
      why: new WhyView(this),
      compare: new CompareView(this),
      sources: new SourcesView(this),
      bundles: new BundlesView(),
      now: new NowView(),
    };
    this.problem = el('div');
    replace(this.main, this.problem,
      Object.values(this.views).map((view) => view.element));
    document.getElementById('skip').addEventListener('click', (event) => {
      // Its address would name no view.
      event.preventDefault();
      this.main.focus();
    });
    window.addEventListener('hashchange', () => this.show());
    setInterval(() => this.refresh(), REFRESH_MS);
    this.show();
  }

  // Goes to a view, and shows it again where it is there already.
  go(name, parameters) {
    const hash = `#${name}${parameters.size > 0 ? `?${parameters}` : ''}`;
    if (location.hash === hash) {
      this.show();
    } else {
      location.hash = hash;
    }
  }

  place() {
    const [name, ...rest] = location.hash.slice(1).split('?');
    return [NAMES[name] ? name : 'lookup', new URLSearchParams(rest.join('?'))];
  }

  async show() {
    const [name, parameters] = this.place();
    for (const [each, view] of Object.entries(this.views)) {
      view.element.hidden = each !== name;
    }
    this.mark(name, parameters);
    if (this.shown !== null && this.shown !== name) {
      announce(NAMES[name]);
      this.main.focus();
      scrollTo(0, 0);
    }
    this.shown = name;
    await this.askStatus();
    await this.views[name].show(parameters, this.status);
  }

  // A view is found again as it was left, and the request goes along.
  mark(name, parameters) {
    document.title = `${NAMES[name]} – Tributary console`;
    for (const link of document.querySelectorAll('nav a')) {
      const target = link.hash.slice(1).split('?')[0];
      if (target === name) {
        link.setAttribute('aria-current', 'page');
        link.setAttribute('href', location.hash || `#${name}`);
        continue;
      }
      link.removeAttribute('aria-current');
      if (!WITH_REQUEST.includes(name) || !WITH_REQUEST.includes(target)) {
        continue;
      }
      const shared = new URLSearchParams();
      for (const each of target === 'why' ? [...REQUEST_PARAMETERS, 'item']
        : REQUEST_PARAMETERS) {
        if (parameters.get(each)) shared.set(each, parameters.get(each));
      }
      link.setAttribute('href',
        `#${target}${shared.size > 0 ? `?${shared}` : ''}`);
    }
  }

  async askStatus() {
    try {
      this.status = await server.status();
      replace(this.problem);
      const version = this.status.status.activeVersion;
      document.getElementById('which').textContent =
        `${location.host}, ` +
        (version ? `version ${version}` : 'no version yet');
    } catch (problem) {
      replace(this.problem, error(problem.message));
    }
  }

  refresh() {
    const view = this.views[this.shown];
    if (document.visibilityState === 'visible' && view && view.refresh) {
      view.refresh();
    }
  }
}

new Page();
