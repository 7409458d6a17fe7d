/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * A table of rows that is a stack of cards on a narrow screen. The roles are written out because a browser drops a table's
 * meaning when CSS changes its display. With a selection, the first column holds tick boxes; Shift takes the rows between.
 */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';

/**
 * @typedef {object} Column
 * @property {string} label heading
 * @property {function(Object): *} cell children for el()
 * @property {string} [class] of heading and cells: `primary` (the head of a card), `number`, `time`, `actions`
 * @property {function(Object): boolean} [skipOnCard] true when the card needs no line for it
 */

/**
 * Builds a table.
 * @param {{caption: string, columns: Column[], idOf: function(Object): string, nameOf?: function(Object): string,
 *   selection?: import('./selection.js').Selection}} options nameOf names a row for its tick box
 * @returns {{node: HTMLElement, addRows: function(Object[]): void}}
 */
export function dataTable(options) {
  const body = el('tbody', { role: 'rowgroup' });
  const ticks = options.selection ? tickBoxes(options) : null;
  const head = el(
    'tr',
    { role: 'row' },
    ticks &&
      el(
        'th',
        { role: 'columnheader', scope: 'col', class: 'tick' },
        el(
          'label',
          { class: 'tick-all' },
          ticks.all,
          el('span', { class: 'tick-all-words', aria: { hidden: true } }, t('console.selectAll')),
        ),
      ),
    options.columns.map((column) => el('th', { role: 'columnheader', scope: 'col', class: column.class }, column.label)),
  );
  const table = el(
    'table',
    { role: 'table', class: 'data-table' },
    el('caption', { class: 'visually-hidden' }, options.caption),
    el('thead', { role: 'rowgroup' }, head),
    body,
  );
  return {
    node: el('div', { class: 'table-frame' }, table),
    addRows: (rows) => {
      body.append(...rows.map((row) => rowElement(row, options, ticks)));
      ticks?.refresh();
    },
  };
}

function rowElement(row, { columns }, ticks) {
  const cells = columns.map((column) =>
    el(
      'td',
      {
        role: 'cell',
        class: [column.class, column.skipOnCard?.(row) && 'skip-on-card'],
        dataset: { label: column.label },
      },
      el('div', { class: 'cell' }, column.cell(row)),
    ),
  );
  const node = el('tr', { role: 'row' }, ticks && el('td', { role: 'cell', class: 'tick' }, ticks.add(row)), cells);
  ticks?.bind(node, row);
  return node;
}

/* The tick boxes of one table: they follow the selection, whoever changes it. */
function tickBoxes({ idOf, nameOf, selection }) {
  const boxes = [];
  let last = null;
  const all = el('input', { type: 'checkbox', aria: { label: t('console.selectAll') } });
  all.addEventListener('change', () =>
    selection.set(
      boxes.map(({ id, row }) => [id, row]),
      all.checked,
    ),
  );
  const choose = (index, on, range) => {
    const from = range && last !== null ? Math.min(last, index) : index;
    const to = range && last !== null ? Math.max(last, index) : index;
    last = index;
    selection.set(
      boxes.slice(from, to + 1).map(({ id, row }) => [id, row]),
      on,
    );
  };
  const refresh = () => {
    let on = 0;
    for (const { box, id, node } of boxes) {
      box.checked = selection.has(id);
      on += Number(box.checked);
      node?.classList.toggle('is-selected', box.checked);
    }
    all.checked = on > 0 && on === boxes.length;
    all.indeterminate = on > 0 && on < boxes.length;
    all.disabled = boxes.length === 0;
  };
  selection.onChange(refresh);
  return {
    all,
    refresh,
    add: (row) => {
      const index = boxes.length;
      const box = el('input', { type: 'checkbox', aria: { label: t('console.selectRow', { name: nameOf(row) }) } });
      box.addEventListener('click', (event) => choose(index, box.checked, event.shiftKey));
      boxes.push({ box, row, id: idOf(row), node: null });
      return el('label', { class: 'tick-target' }, box);
    },
    bind: (node) => {
      boxes[boxes.length - 1].node = node;
    },
  };
}
