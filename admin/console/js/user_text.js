/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * Text that people or models wrote, for one line of a list. It is isolated from its neighbours (<bdi dir=auto>), and characters
 * that are not seen but move others about (bidi controls, other controls, zero-width space) are shown as marks, so that a title cannot look like
 * something it is not. The zero-width joiners stay as they are: emoji and several scripts need them.
 */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';

const BIDI = {
  0x061c: ['ALM', 'ARABIC LETTER MARK'],
  0x200e: ['LRM', 'LEFT-TO-RIGHT MARK'],
  0x200f: ['RLM', 'RIGHT-TO-LEFT MARK'],
  0x202a: ['LRE', 'LEFT-TO-RIGHT EMBEDDING'],
  0x202b: ['RLE', 'RIGHT-TO-LEFT EMBEDDING'],
  0x202c: ['PDF', 'POP DIRECTIONAL FORMATTING'],
  0x202d: ['LRO', 'LEFT-TO-RIGHT OVERRIDE'],
  0x202e: ['RLO', 'RIGHT-TO-LEFT OVERRIDE'],
  0x2066: ['LRI', 'LEFT-TO-RIGHT ISOLATE'],
  0x2067: ['RLI', 'RIGHT-TO-LEFT ISOLATE'],
  0x2068: ['FSI', 'FIRST STRONG ISOLATE'],
  0x2069: ['PDI', 'POP DIRECTIONAL ISOLATE'],
  0x200b: ['ZWSP', 'ZERO WIDTH SPACE'],
  0xfeff: ['BOM', 'ZERO WIDTH NO-BREAK SPACE'],
};
const UNSEEN = /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff])/u;

/**
 * One isolated piece of somebody's text.
 * @param {string|null|undefined} text null or empty gives an empty element
 * @param {Object} [props] further properties for el()
 * @returns {HTMLElement} a <bdi>
 */
export function userText(text, props = {}) {
  return el('bdi', { dir: 'auto', ...props }, withMarks(text ?? ''));
}

/**
 * The text in pieces, unseen characters replaced by marks.
 * @param {string} text
 * @returns {(string|HTMLElement)[]} children for el()
 */
export function withMarks(text) {
  return text.split(UNSEEN).map((piece, index) => (index % 2 === 0 ? piece : mark(piece)));
}

/**
 * The text as a plain string for labels and dialogs, unseen characters as "[RLO]".
 * @param {string} text
 * @returns {string}
 */
export function plainUserText(text) {
  return text
    .split(UNSEEN)
    .map((piece, index) => (index % 2 === 0 ? piece : `[${nameOf(piece).short}]`))
    .join('');
}

function nameOf(char) {
  const code = char.codePointAt(0);
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const [short, long] = BIDI[code] ?? [hex, ''];
  return { hex, short, long };
}

function mark(char) {
  const { hex, short, long } = nameOf(char);
  return el('span', { class: 'control-mark', title: t('console.mark', { code: hex, name: long }) }, short);
}
