// Lines over time, by uPlot.
/* global uPlot */
import {el, text} from './dom.js';

const HEIGHT = 180;

const css = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Hours and minutes; seconds where labels are closer than a minute.
function clock(plot, places, axis, space, step) {
  return places.map((seconds) => new Date(seconds * 1000).toTimeString()
    .slice(0, step < 60 ? 8 : 5));
}

// Dots say which series the colours are. Beyond eight they begin again, and
// lines are dashed.
export class Chart {
  constructor(name, label, {range, digits = 3} = {}) {
    this.label = label;
    this.range = range;
    this.digits = digits;
    this.drawn = null;
    this.legend = el('span');
    this.place = el('div', {class: 'chart', role: 'img'});
    this.element = el('figure', null,
      el('figcaption', null, el('strong', null, name), this.legend),
      this.place);
    this.plot = null;
    new ResizeObserver(() => this.resize()).observe(this.place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change',
      () => this.drawn && this.draw(...this.drawn));
  }

  resize() {
    const width = this.place.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) {
      this.plot.setSize({width, height: HEIGHT});
    }
  }

  // `series`: [name, values]; null where there is none.
  draw(times, series) {
    this.drawn = [times, series];
    const width = this.place.clientWidth;
    if (width === 0) return;
    this.legend.replaceChildren(...series.length === 0
      ? [el('span', {class: 'muted'}, 'nothing was measured')]
      : series.map(([name], i) =>
      el('span', {class: 'chip'}, el('span',
        {class: `dot series-${i % 8}`, 'aria-hidden': 'true'}), text(name))));
    const last = (values) => {
      const known = values.filter((value) => value !== null);
      return known.length > 0
        ? Number(known[known.length - 1].toPrecision(3)) : 'none';
    };
    this.place.setAttribute('aria-label', `${this.label}. Last: ` +
      series.map(([name, values]) => `${name} ${last(values)}`).join(', '));
    const axis = {stroke: css('--muted'), grid: {stroke: css('--line'),
      width: 1}, ticks: {stroke: css('--line'), width: 1}};
    if (this.plot) this.plot.destroy();
    this.plot = new uPlot({
      width,
      height: HEIGHT,
      legend: {show: false},
      cursor: {show: false},
      scales: {y: {range: this.range || ((plot, low, high) =>
        [0, high > 0 ? high * 1.1 : 1])}},
      axes: [{...axis, values: clock, space: 70}, {...axis, size: 56}],
      series: [{}, ...series.map(([name], i) => ({
        label: name,
        stroke: css(`--series-${i % 8}`),
        width: 2,
        dash: i < 8 ? undefined : [6, 4],
        spanGaps: false,
        points: {show: times.length < 40},
      }))],
    }, [times, ...series.map(([, values]) => values)], this.place);
  }
}
