// Now: how the server did in the last hour.
import {el, error, replace, table} from './dom.js';
import {Chart} from './charts.js';
import * as server from './server.js';
import * as words from './words.js';

const ROWS = 12;

const last = (values) => values.length > 0 ? values[values.length - 1] : null;

function tile(name, value) {
  return el('div', {class: 'tile'}, el('div', {class: 'value'}, value),
    el('div', {class: 'name'}, name));
}

const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 8);

export class NowView {
  constructor() {
    this.tiles = el('div', {class: 'tiles'});
    this.problem = el('div');
    this.charts = {
      latency: new Chart('Latency in ms', 'Latency of single calls in ms'),
      calls: new Chart('Calls per second', 'Calls per second'),
      recall: new Chart('Live recall', 'Live recall by source',
        {range: [0, 1.02]}),
      level: new Chart('Service level',
        'Service level: 0 all, 3 popularity only', {range: [0, 3.1]}),
      load: new Chart('In progress', 'Requests in progress'),
      memory: new Chart('Memory in MiB', 'Memory of the server in MiB'),
    };
    this.rows = el('div');
    this.element = el('section', {'aria-labelledby': 'now-heading'},
      el('h2', {id: 'now-heading'}, 'Now'), this.problem, this.tiles,
      el('h3', null, 'The last hour'),
      el('div', {class: 'charts'}, Object.values(this.charts)
        .map((chart) => chart.element)),
      el('details', null, el('summary', null, 'As a table'), this.rows));
  }

  async show() {
    await this.refresh();
  }

  async refresh() {
    try {
      this.draw(await server.history());
      replace(this.problem);
    } catch (problem) {
      replace(this.problem, error(problem.message));
    }
  }

  draw({now, columns}) {
    const {times} = columns;
    replace(this.tiles,
      tile('answered per second', words.number(last(columns.answeredPerSecond),
        3)),
      tile('p50 of the last 10 s', words.milliseconds(last(columns.p50Ms))),
      tile('p99 of the last 10 s', words.milliseconds(last(columns.p99Ms))),
      tile('answered since the start', words.count(now.answered)),
      tile('failed since the start', words.count(now.failed)),
      tile('refused for the caller\'s fault', words.count(now.refused)),
      tile('in progress, of at most ' + words.count(now.concurrencyLimit),
        words.count(now.inFlight)),
      tile('service level', words.levelOf(now.serviceLevel)),
      tile('cores used', words.number(last(columns.cores), 2)),
      tile('memory of the server', words.bytes(now.residentBytes)));
    this.charts.latency.draw(times, [['p50', columns.p50Ms],
      ['p99', columns.p99Ms]]);
    this.charts.calls.draw(times, [['answered', columns.answeredPerSecond],
      ['failed', columns.failedPerSecond],
      ['refused', columns.refusedPerSecond]]);
    this.charts.recall.draw(times, Object.entries(columns.recall)
      .filter(([, values]) => values.some((value) => value !== null)));
    this.charts.level.draw(times, [['level', columns.serviceLevel]]);
    this.charts.load.draw(times, [['in progress', columns.inFlight],
      ['waiting', columns.waiting]]);
    this.charts.memory.draw(times, [['resident', columns.residentBytes.map(
      (bytes) => bytes === null ? null : bytes / 1048576)]]);
    this.table(columns);
  }

  table(columns) {
    const rows = columns.times.map((seconds, i) => i).slice(-ROWS).reverse();
    replace(this.rows, table(`The last ${rows.length} samples`, [
      ['Until', (i) => clock(columns.times[i])],
      ['Answered/s', (i) => words.number(columns.answeredPerSecond[i], 3),
        true],
      ['Failed/s', (i) => words.number(columns.failedPerSecond[i], 3), true],
      ['Refused/s', (i) => words.number(columns.refusedPerSecond[i], 3), true],
      ['p50', (i) => words.milliseconds(columns.p50Ms[i]), true],
      ['p99', (i) => words.milliseconds(columns.p99Ms[i]), true],
      ['Service level', (i) => words.levelOf(columns.serviceLevel[i])],
    ], rows));
  }
}
