/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Copying text. The clipboard API exists in secure contexts only; over plain http the old selection way still works. */

import { el } from './dom.js';

/**
 * Puts text on the clipboard.
 * @param {string} text
 * @returns {Promise<boolean>} whether it worked
 */
export async function copyText(text) {
  try {
    if (navigator.clipboard && window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    /* Permission refused: try the selection. */
  }
  return copyBySelection(text);
}

function copyBySelection(text) {
  const focused = document.activeElement;
  const host = document.querySelector('dialog[open]') ?? document.body;
  const area = el('textarea', { class: 'visually-hidden', aria: { hidden: true }, tabindex: '-1', value: text });
  host.append(area);
  area.select();
  let copied = false;
  try {
    copied = document.execCommand('copy');
  } catch {
    copied = false;
  }
  area.remove();
  focused?.focus?.({ preventScroll: true });
  return copied;
}
