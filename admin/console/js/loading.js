/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* A part of the page that comes from the server: its skeleton, the word that it is slow, its error with Retry, its empty state. */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';

const SLOW_MS = 3000;

/**
 * Fills host with what load() brings; never rejects.
 * @param {HTMLElement} host
 * @param {{load: function(): Promise<*>, draw: function(*): Node|Node[], signal: AbortSignal, skeleton?: HTMLElement,
 *   head?: function(): Node[]}} options draw gets what
 *   load brought; when the signal is aborted meanwhile (the operator went on) nothing is drawn; head
 *   stands above the skeleton or the error, for a draw that brings a head of its own
 */
export async function loadInto(host, options) {
  const head = options.head ?? (() => []);
  const slow = el('p', { class: 'slow-note', role: 'status' });
  const timer = setTimeout(() => {
    slow.textContent = t('load.slow');
  }, SLOW_MS);
  host.setAttribute('aria-busy', 'true');
  replaceChildren(
    host,
    head(),
    el('p', { class: 'visually-hidden', role: 'status' }, t('load.loading')),
    slow,
    options.skeleton ?? rowsSkeleton(),
  );
  try {
    const data = await options.load();
    if (!options.signal.aborted) {
      replaceChildren(host, options.draw(data));
    }
  } catch (error) {
    if (!options.signal.aborted && error.name !== 'AbortError') {
      replaceChildren(
        host,
        head(),
        errorBox(error, () => loadInto(host, options)),
      );
    }
  } finally {
    clearTimeout(timer);
    host.removeAttribute('aria-busy');
  }
}

/**
 * What went wrong, in words, with Retry.
 * @param {Error} error
 * @param {function(): void} retry
 * @returns {HTMLElement}
 */
export function errorBox(error, retry) {
  return el(
    'div',
    { class: 'state-box state-error', role: 'alert' },
    icon('warning'),
    el('p', { class: 'state-title' }, t('load.error')),
    el('p', { dir: 'auto' }, describeError(error)),
    el('button', { class: 'button', type: 'button', onclick: retry }, icon('refresh'), t('load.retry')),
  );
}

/**
 * "Nothing here", and what to do about it.
 * @param {string} title
 * @param {string} detail
 * @param {...Node} actions
 * @returns {HTMLElement}
 */
export function emptyBox(title, detail, ...actions) {
  return el('div', { class: 'state-box' }, el('p', { class: 'state-title' }, title), el('p', { class: 'muted' }, detail), actions);
}

/** Grey bars in place of rows. @param {number} [count] @returns {HTMLElement} */
export function rowsSkeleton(count = 8) {
  return el(
    'div',
    { class: 'skeleton-rows', aria: { hidden: true } },
    Array.from({ length: count }, () => el('div', { class: 'skeleton' })),
  );
}

/** Grey cards in place of figures. @param {number} [count] @returns {HTMLElement} */
export function cardsSkeleton(count = 8) {
  return el(
    'div',
    { class: 'cards', aria: { hidden: true } },
    Array.from({ length: count }, () => el('div', { class: 'skeleton skeleton-card' })),
  );
}
