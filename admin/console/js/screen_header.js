/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The head of a screen: its title, a sentence, its actions. */

import { el } from '../shared/dom.js';

/**
 * @param {string|Node} title
 * @param {string|Node|null} lead
 * @param {...(Node|null|false)} actions
 * @returns {HTMLElement}
 */
export function screenHeader(title, lead, ...actions) {
  const shown = actions.filter(Boolean);
  return el(
    'header',
    { class: 'screen-header' },
    el(
      'div',
      { class: 'screen-title' },
      el('h1', { tabindex: '-1', id: 'screen-title' }, title),
      lead && el('p', { class: 'muted lead' }, lead),
    ),
    shown.length > 0 && el('div', { class: 'screen-actions' }, shown),
  );
}
