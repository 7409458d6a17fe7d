/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * A small chart of bars over time, drawn as SVG with the page's own colours. The picture is for the eye; the same figures stand in a
 * table that opens below it, so nobody depends on seeing or on a mouse.
 */

import { el } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 480;
const HEIGHT = 96;

/**
 * @typedef {{label: string, time: string, value: number, part?: number}} Bar part: how much of the value is of the second kind
 */

/**
 * @param {{title: string, bars: Bar[], head: string[], format?: function(number): string}} options head names the table's columns: time, value, part
 * @returns {HTMLElement}
 */
export function barChart({ title, bars, head, format = formatNumber }) {
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  const parts = bars.some((bar) => bar.part !== undefined);
  return el(
    'figure',
    { class: 'chart' },
    el('figcaption', null, el('span', { class: 'chart-title' }, title), el('span', { class: 'muted' }, t('chart.most', { value: format(most) }))),
    picture(bars, most, format),
    el('div', { class: 'chart-ends muted', aria: { hidden: true } }, el('span', null, bars[0]?.label ?? ''), el('span', null, bars.at(-1)?.label ?? '')),
    el(
      'details',
      { class: 'chart-table' },
      el('summary', null, t('chart.table')),
      el(
        'table',
        null,
        el('caption', { class: 'visually-hidden' }, title),
        el('thead', null, el('tr', null, head.slice(0, parts ? 3 : 2).map((word) => el('th', { scope: 'col' }, word)))),
        el('tbody', null, [...bars].reverse().map((bar) => tableRow(bar, parts, format))),
      ),
    ),
  );
}

function tableRow(bar, parts, format) {
  return el(
    'tr',
    null,
    el('th', { scope: 'row' }, el('time', { datetime: bar.time, title: bar.time }, bar.label)),
    el('td', { class: 'number' }, format(bar.value)),
    parts && el('td', { class: 'number' }, format(bar.part ?? 0)),
  );
}

function picture(bars, most, format) {
  const svg = shape('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true', class: 'chart-picture' });
  const step = WIDTH / Math.max(1, bars.length);
  bars.forEach((bar, index) => {
    const title = shape('title', {});
    title.textContent = `${bar.label}: ${format(bar.value)}`;
    const group = shape('g', {});
    group.append(title, column('chart-bar', index, step, bar.value / most));
    if (bar.part) {
      group.append(column('chart-part', index, step, bar.part / most));
    }
    svg.append(group);
  });
  return svg;
}

function column(name, index, step, share) {
  const height = share > 0 ? Math.max(1.5, share * (HEIGHT - 2)) : 0;
  return shape('rect', {
    class: name,
    x: (index * step + step * 0.12).toFixed(2),
    y: (HEIGHT - height).toFixed(2),
    width: (step * 0.76).toFixed(2),
    height: height.toFixed(2),
  });
}

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    node.setAttribute(key, value);
  }
  return node;
}
