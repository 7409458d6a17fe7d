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

/**
 * A piece of Markdown as one reads it: without the marks for bold, code, headings and tables, unless one of them is searched for.
 * @param {string} text
 * @param {string} query
 * @returns {string}
 */
export function withoutMarks(text, query) {
  return /[*`#|]/u.test(query) ? text : text.replace(/\*\*|`+/gu, '').replace(/(?<=^|\s)#{1,6}\s|\|(?:[\s:|-]*\|)?/gu, ' ').replace(/\s+/gu, ' ').trim();
}

/**
 * Marks every place in node's text that matches query, without touching the elements (CSS ::highlight), and unmarks what was marked before.
 * @param {Element} node
 * @param {string} query
 * @returns {Range|null} the first place
 */
export function markHits(node, query) {
  const ranges = query === '' ? [] : [...hits(node, query)];
  if (globalThis.Highlight) {
    CSS.highlights.set('found', new Highlight(...ranges));
  }
  return ranges[0] ?? null;
}

/* A hit that crosses an element's border (half of it bold) is not marked; its message is shown all the same. */
function* hits(node, query) {
  const wanted = new RegExp(query.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const match of walker.currentNode.data.matchAll(wanted)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, match.index);
      range.setEnd(walker.currentNode, match.index + match[0].length);
      yield range;
    }
  }
}
