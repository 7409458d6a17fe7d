/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The box that messages are written in. Enter sends, except while an input method composes: browsers differ in whether the key that ends a
 * composition comes as composing, with key code 229, or right after compositionend, and none of the three may send.
 */

import { $, el, replaceChildren } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { codePointLength } from './code-points.js';
import { readDraft, writeDraft } from './drafts.js';

const LIMIT = 100000;
const COMPOSING_KEY_CODE = 229;
const AFTER_COMPOSITION_MS = 40;

/** The composer: text, draft, Send or Stop, and why it cannot send. */
export class Composer {
  #form = $('#composer');
  #text = $('#composer-text');
  #send = $('#composer-send');
  #stop = $('#composer-stop');
  #note = $('#composer-note');
  #composing = false;
  #compositionEnd = -Infinity;
  #draftKey = null;
  #running = false;
  #block = null;
  #tried = false;

  /** @param {{onSend: function(string): void, onStop: function(): void}} handlers */
  constructor({ onSend, onStop }) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(onSend);
    });
    this.#stop.addEventListener('click', () => {
      this.#stop.disabled = true;
      onStop();
    });
    this.#text.addEventListener('input', () => this.#onInput());
    this.#text.addEventListener('compositionstart', () => {
      this.#composing = true;
    });
    this.#text.addEventListener('compositionend', (event) => {
      this.#composing = false;
      this.#compositionEnd = event.timeStamp;
    });
    this.#text.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** Whether an input method is at work. @returns {boolean} */
  get composing() {
    return this.#composing;
  }

  /** What is written. @returns {string} */
  get text() {
    return this.#text.value;
  }

  /** Changes to another conversation's draft. @param {string|null} conversationId null for a new chat */
  useDraft(conversationId) {
    this.#draftKey = conversationId;
    this.#text.value = readDraft(conversationId);
    this.#tried = false;
    this.#grow();
    this.refresh();
  }

  /** The draft of the new chat becomes that of the conversation it turned into. @param {string} conversationId */
  moveDraft(conversationId) {
    if (this.#draftKey !== conversationId) {
      writeDraft(conversationId, this.#text.value || readDraft(this.#draftKey));
      writeDraft(this.#draftKey, '');
      this.#draftKey = conversationId;
    }
  }

  /** Empties the box; the draft stays stored until the server has the message. */
  clearBox() {
    this.#text.value = '';
    this.#tried = false;
    this.#grow();
    this.refresh();
  }

  /** Puts text back into the box, above whatever was written meanwhile. @param {string} text */
  giveBack(text) {
    const now = this.#text.value;
    this.#text.value = now.trim() === '' || now === text ? text : `${text}\n\n${now}`;
    writeDraft(this.#draftKey, this.#text.value);
    this.#grow();
    this.refresh();
    this.focus();
  }

  /** @param {boolean} running whether an answer is being written: Stop stands in place of Send */
  setRunning(running) {
    const hadFocus = document.activeElement === this.#stop || document.activeElement === this.#send;
    this.#running = running;
    this.#stop.hidden = !running;
    this.#send.hidden = running;
    this.#stop.disabled = false;
    this.#tried = false;
    this.refresh();
    if (hadFocus) {
      (running ? this.#stop : this.#text).focus();
    }
  }

  /** Says why nothing can be sent now, with a way on. @param {{text: function(): string, label: function(): string, onClick: function(): void}|null} block */
  setBlock(block) {
    this.#block = block;
    this.refresh();
  }

  /** Puts the caret into the box. */
  focus() {
    this.#text.focus({ preventScroll: true });
  }

  /** Shows the reason for not sending, and whether Send works. */
  refresh() {
    const length = codePointLength(this.#text.value);
    const tooLong = length > LIMIT;
    this.#send.disabled = this.#text.value.trim() === '' || tooLong || this.#block !== null || this.#running;
    this.#text.setAttribute('aria-invalid', String(tooLong));
    let note = null;
    if (this.#block !== null) {
      note = [el('span', null, this.#block.text()), el('button', { class: 'button button-small', type: 'button', onclick: this.#block.onClick }, this.#block.label())];
    } else if (tooLong) {
      note = t('composer.too_long', { count: formatNumber(length), limit: formatNumber(LIMIT) });
    } else if (this.#running && this.#tried) {
      note = t('composer.running');
    }
    this.#note.hidden = note === null;
    replaceChildren(this.#note, note);
  }

  #submit(onSend) {
    this.#tried = true;
    this.refresh();
    if (this.#send.disabled) {
      return;
    }
    const text = this.#text.value;
    this.clearBox();
    onSend(text);
  }

  #onInput() {
    writeDraft(this.#draftKey, this.#text.value);
    this.#grow();
    this.refresh();
  }

  #onKey(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const endsComposition = event.isComposing || this.#composing || event.keyCode === COMPOSING_KEY_CODE
      || event.timeStamp - this.#compositionEnd < AFTER_COMPOSITION_MS;
    if (endsComposition || onScreenKeyboard()) {
      return;
    }
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #grow() {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}

/* An on-screen keyboard has no Shift + Enter: there Enter starts a line and the button sends. */
function onScreenKeyboard() {
  return matchMedia('(hover: none) and (pointer: coarse)').matches;
}
