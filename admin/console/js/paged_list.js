/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * A list that is loaded page by page (keyset paging: each page names the place where the next begins) under its table,
 * with a button for more. The pages loaded are kept for Back.
 */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, t } from '../shared/i18n.js';
import { announce } from '../shared/notify.js';
import { tCount } from './words_for.js';

/**
 * @typedef {object} Pages
 * @property {Object[]} rows all rows loaded
 * @property {string|null} next where the next page begins, null at the end
 */

/**
 * Draws the rows loaded and the foot with "load more".
 * @param {{pages: Pages, table: {node: HTMLElement, addRows: function(Object[]): void}, loadPage: function(string): Promise<Pages>,
 *   onRows?: function(): void}} options pages is added to in place; onRows is called after more rows have come
 * @returns {HTMLElement}
 */
export function pagedList(options) {
  const { pages, table } = options;
  const foot = el('div', { class: 'list-foot' });
  table.addRows(pages.rows);
  drawFoot(foot, options);
  return el('div', { class: 'paged-list' }, table.node, foot);
}

function drawFoot(foot, options, error = null) {
  const { pages } = options;
  const more = pages.next !== null;
  const button = more && el('button', { class: 'button', type: 'button' }, error ? t('load.retry') : t('console.loadMore'));
  const known = pages.estimate > pages.rows.length;
  const count = more
    ? t(known ? 'console.shownOf' : 'console.shownMore', { count: formatNumber(pages.rows.length), estimate: formatNumber(roughly(pages.estimate)) })
    : tCount('console.shown', pages.rows.length);
  replaceChildren(
    foot,
    error && el('p', { class: 'notice notice-error', role: 'alert' }, describeError(error)),
    el('p', { class: 'muted' }, count),
    button,
  );
  if (more) {
    button.addEventListener('click', () => loadMore(foot, button, options));
  }
}

/* An estimate promises no more digits than it has. */
function roughly(estimate) {
  return Number((estimate ?? 0).toPrecision(2));
}

async function loadMore(foot, button, options) {
  const { pages, table } = options;
  button.disabled = true;
  button.textContent = t('console.loadingMore');
  try {
    const page = await options.loadPage(pages.next);
    pages.rows.push(...page.rows);
    pages.next = page.next;
    table.addRows(page.rows);
    options.onRows?.();
    drawFoot(foot, options);
    announce(tCount('console.shown', pages.rows.length));
  } catch (error) {
    if (error.name === 'AbortError') {
      return;
    }
    drawFoot(foot, options, error);
  }
  foot.querySelector('button')?.focus({ preventScroll: true });
}
