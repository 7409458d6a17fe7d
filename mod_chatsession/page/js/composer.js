/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The box that messages are written in. */

import { $, el, replaceChildren } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { codePointLength } from './code-points.js';
import { readDraft, writeDraft } from './drafts.js';
import { EnterKey } from './enter.js';

/** Code points of a message. */
export const MESSAGE_LIMIT = 100000;

/** The composer: text, draft, Send or Stop, and why it cannot send. */
export class Composer {
  #form = $('#composer');
  #text = $('#composer-text');
  #send = $('#composer-send');
  #stop = $('#composer-stop');
  #note = $('#composer-note');
  #enter = new EnterKey(this.#text, () => this.#form.requestSubmit());
  #draftKey = null;
  #running = false;
  #about = null;
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
    window.addEventListener('resize', () => this.#grow());
  }

  /** Whether an input method is at work. @returns {boolean} */
  get composing() {
    return this.#enter.composing;
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

  /**
   * Says what is to be known before sending, with a way on.
   * @param {{text: function(): string, label: function(): string, onClick: function(): void, blocks?: boolean}|null} note blocks: nothing can be sent now
   */
  setNote(note) {
    this.#about = note;
    this.refresh();
  }

  /** Puts the caret into the box. */
  focus() {
    this.#text.focus({ preventScroll: true });
  }

  /** Shows the reason for not sending, and whether Send works. */
  refresh() {
    const length = codePointLength(this.#text.value);
    const tooLong = length > MESSAGE_LIMIT;
    this.#send.disabled = this.#text.value.trim() === '' || tooLong || this.#about?.blocks || this.#running;
    this.#text.setAttribute('aria-invalid', String(tooLong));
    let note = null;
    if (tooLong) {
      note = t('composer.too_long', { count: formatNumber(length), limit: formatNumber(MESSAGE_LIMIT) });
    } else if (this.#about !== null) {
      note = [el('span', null, this.#about.text()), el('button', { class: 'button button-small', type: 'button', onclick: this.#about.onClick }, this.#about.label())];
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

  #grow() {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
