/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Marks where a search text stands in another text. */

import { el } from '../shared/dom.js';

/**
 * text as nodes, with every place that matches query in a <mark>; case does not matter.
 * @param {string} text
 * @param {string} query
 * @returns {(string|HTMLElement)[]}
 */
export function highlighted(text, query) {
  if (query === '') {
    return [text];
  }
  const parts = text.split(new RegExp(`(${query.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')})`, 'iu'));
  return parts.map((part, index) => (index % 2 === 1 ? el('mark', null, part) : part));
}
