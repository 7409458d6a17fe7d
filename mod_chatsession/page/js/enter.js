/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Enter in a box that sends. Browsers differ in whether the key that ends an input method's composition comes as composing, with key code 229, or
 * right after compositionend, and none of the three may send.
 */

const COMPOSING_KEY_CODE = 229;
const AFTER_COMPOSITION_MS = 40;

/** Watches one text box: calls onEnter when Enter means "send". */
export class EnterKey {
  #composing = false;
  #compositionEnd = -Infinity;

  /** @param {HTMLTextAreaElement} box @param {function(): void} onEnter */
  constructor(box, onEnter) {
    box.addEventListener('compositionstart', () => {
      this.#composing = true;
    });
    box.addEventListener('compositionend', (event) => {
      this.#composing = false;
      this.#compositionEnd = event.timeStamp;
    });
    box.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey && !this.belongsToInput(event) && !onScreenKeyboard()) {
        event.preventDefault();
        onEnter();
      }
    });
  }

  /** Whether an input method is at work. @returns {boolean} */
  get composing() {
    return this.#composing;
  }

  /** Whether a key is the input method's own. @param {KeyboardEvent} event @returns {boolean} */
  belongsToInput(event) {
    return event.isComposing || this.#composing || event.keyCode === COMPOSING_KEY_CODE || event.timeStamp - this.#compositionEnd < AFTER_COMPOSITION_MS;
  }
}

/* An on-screen keyboard has no Shift + Enter: there Enter starts a line and the button sends. */
function onScreenKeyboard() {
  return matchMedia('(hover: none) and (pointer: coarse)').matches;
}
