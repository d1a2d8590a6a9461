// Bundles: versions, labels, profiles, the loader.
import {el, error, replace, table, text, values} from './dom.js';
import * as server from './server.js';
import * as words from './words.js';

const short = (revision) => revision.slice(0, 12);

function refusal(refused) {
  return [`version ${refused.version} at ${words.time(refused.at)}: `,
    text(refused.reason || '')];
}

function bundlesTable(json) {
  const details = new Map(json.bundles.map((bundle) =>
    [bundle.version, bundle]));
  return table('Versions in memory', [
    ['Version', (bundle) => bundle.version, true],
    ['State', (bundle) => words.state(bundle.state)],
    ['Labels', (bundle) => text((bundle.labels || []).join(', '))],
    ['Items', (bundle) => words.count(bundle.items), true],
    ['Users', (bundle) => words.count(bundle.users), true],
    ['Size', (bundle) => words.bytes(bundle.sizeBytes), true],
    ['Built', (bundle) => words.time(bundle.createdAt)],
    ['Titles', (bundle) => (details.get(String(bundle.version)) || {})
      .hasTitles ? 'yes' : 'no'],
    ['Sources', (bundle) => text(((details.get(String(bundle.version)) || {})
      .retrievers || []).map((each) => each.name).join(', ')), 'words'],
  ], json.status.bundles || []);
}

function changesElement(changes) {
  if (!changes) return el('p', {class: 'muted'}, 'There are none.');
  return values([
    ['Applied through', `change ${changes.through || 0}`],
    changes.lastChangeAt && ['Written', words.time(changes.lastChangeAt)],
    ['Items taken down', words.count(changes.removedItems || 0)],
    ['Of the active version', words.count(changes.removedFromActive || 0)],
    changes.refused && ['Did nothing',
      text(`${changes.refused}: ${changes.lastRefused}`)],
    ['What is wrong now', changes.error ? text(changes.error) : 'nothing'],
  ]);
}

function loaderElement(loader) {
  if (!loader) {
    return el('p', {class: 'muted'}, 'No loader has reported to this server.');
  }
  return values([
    ['Store', text(loader.store || '')],
    ['Its CURRENT', loader.currentVersion
      ? `version ${loader.currentVersion}` : 'none'],
    ['Last version that was active', loader.lastGoodVersion
      ? `version ${loader.lastGoodVersion}` : 'none'],
    ['What is wrong now',
      loader.lastError ? text(loader.lastError) : 'nothing'],
    loader.consecutiveErrors && ['Steps that failed', loader.consecutiveErrors],
    loader.lastRefusal && ['Last refused', refusal(loader.lastRefusal)],
    ['Downloaded', words.bytes(loader.fetchedBytes)],
    ['Shared with other versions', words.bytes(loader.sharedBytes)],
    ['Reported', words.time(loader.at)],
  ]);
}

export class BundlesView {
  constructor() {
    this.answer = el('div');
    this.element = el('section', {'aria-labelledby': 'bundles-heading'},
      el('h2', {id: 'bundles-heading'}, 'Bundles'), this.answer);
  }

  async show() {
    await this.refresh();
  }

  async refresh() {
    try {
      const [json, history] = await Promise.all([server.status(),
        server.history()]);
      this.draw(json, history.now);
    } catch (problem) {
      replace(this.answer, error(problem.message));
    }
  }

  draw(json, now) {
    const status = json.status;
    replace(this.answer,
      values([
        ['Active', status.activeVersion
          ? `version ${status.activeVersion} since ` +
            `${words.time(status.activatedAt)}` : 'none yet'],
        ['Rollback would activate', status.previousVersion
          ? `version ${status.previousVersion}` : 'none'],
        ['Swaps', words.count(status.swaps)],
        ['Refused', `${words.count(status.refusals)} times`],
        status.lastRefusal && ['Last refused', refusal(status.lastRefusal)],
        ['Server started', words.time(status.startedAt)],
        ['Memory of the server', words.bytes(now.residentBytes)],
        now.memoryLimitBytes &&
          ['Memory that can still be had',
            `${words.bytes(now.memoryAvailableBytes)} of ` +
            words.bytes(now.memoryLimitBytes)],
        ['Program', text(`tributary-server ${json.program.version}` +
          (json.program.revision ? ` (${short(json.program.revision)})` : ''))],
      ]),
      (status.bundles || []).length > 0 ? bundlesTable(json)
        : el('p', null, 'No version is in memory.'),
      el('h3', null, 'Labels'),
      (status.labels || []).length > 0 ? table('Labels and their users', [
        ['Label', (label) => text(label.name)],
        ['Version', (label) => label.version, true],
        ['Users', (label) => `${words.number((label.share || 0) * 100)} %`,
          true],
      ], status.labels, false) : el('p', {class: 'muted'}, 'There are none.'),
      el('h3', null, 'Profiles'),
      json.profiles.length > 0 ? table('Profiles and their users', [
        ['Profile', (profile) => text(profile.name)],
        ['Users', (profile) => `${words.number(profile.share * 100)} %`, true],
      ], json.profiles, false) : el('p', {class: 'muted'}, 'There are none.'),
      el('h3', null, 'Item sets'),
      (status.itemSets || []).length > 0 ? table('Sets that can be excluded', [
        ['Set', (set) => text(set.name)],
        ['Items', (set) => words.count(set.items), true],
        ['Unknown to the active version', (set) =>
          words.count(set.unknownItems), true],
        ['Put', (set) => words.time(set.putAt)],
      ], status.itemSets, false) : el('p', {class: 'muted'}, 'There are none.'),
      el('h3', null, 'Live changes'), changesElement(status.changes),
      el('h3', null, 'Loader'), loaderElement(status.loader));
  }
}
