/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The messages of the shown branch. Only the last ones are built when a conversation opens; earlier ones are built in steps as the reader nears the
 * top, so that thousands of messages open at once. What is off screen is not laid out (content-visibility in transcript.css).
 */

import { el } from '../shared/dom.js';
import { isolate, t } from '../shared/i18n.js';
import { markHits } from './highlight.js';
import { whenInSight } from './in-sight.js';
import { MessageView } from './message-view.js';
import { ScrollLock } from './scroll-lock.js';

const FIRST_PAGE = 40;
const STEP = 40;
const SETTLE_FRAMES = 8;

/** Shows the path of a conversation. */
export class Transcript {
  #box;
  #list = el('div', { class: 'transcript-list' });
  #earlier = el('button', { class: 'button button-quiet button-small earlier', type: 'button', hidden: true });
  #lock;
  #views = new Map();
  #path = [];
  #first = 0;
  #siblingsOf = () => [];

  /**
   * @param {HTMLElement} box the scrolling region
   * @param {HTMLButtonElement} jump
   * @param {function(string, MessageView, HTMLElement): void} onAction gets data-action, the message's view and the button
   */
  constructor(box, jump, onAction) {
    this.#box = box;
    const inner = el('div', { class: 'transcript-inner' }, this.#earlier, this.#list);
    box.replaceChildren(inner);
    this.#lock = new ScrollLock(box, inner, jump);
    this.#earlier.addEventListener('click', () => this.#buildEarlier());
    whenInSight(box, this.#earlier, '600px 0px 0px', () => this.#buildEarlier());
    box.addEventListener('click', (event) => this.#onClick(event, onAction));
  }

  /** Empties the transcript and shows node instead, or nothing. @param {Node|null} [node] */
  clear(node = null) {
    this.#views.clear();
    this.#path = [];
    this.#first = 0;
    this.#earlier.hidden = true;
    this.#list.replaceChildren(...(node ? [node] : []));
    this.#lock.toEnd();
  }

  /**
   * Shows a path; messages that are shown already stay as they are.
   * @param {Object[]} path
   * @param {function(string): string[]} siblingsOf
   */
  show(path, siblingsOf) {
    this.#siblingsOf = siblingsOf;
    const common = this.#commonLength(path);
    if (common === 0) {
      this.clear();
      this.#first = Math.max(0, path.length - FIRST_PAGE);
    }
    this.#removeFrom(common);
    this.#path = path;
    for (const message of path.slice(Math.max(common, this.#first))) {
      this.#list.append(this.#build(message).element);
    }
    this.#refresh();
    this.#updateEarlier();
    if (common === 0) {
      this.toEnd();
    }
  }

  /** Adds a message below the path (one that is not accepted yet). @param {Object} message @returns {MessageView} */
  add(message) {
    if (this.#path.length === 0) {
      this.#list.replaceChildren();
    }
    const view = this.#build(message);
    this.#path = [...this.#path, message];
    this.#list.append(view.element);
    return view;
  }

  /** Gives a message that was added its real id. @param {string} from @param {Object} message */
  rename(from, message) {
    const view = this.#views.get(from);
    this.#views.delete(from);
    this.#views.set(message.id, view);
    this.#path = this.#path.map((entry) => (entry.id === from ? message : entry));
    view.update(message);
  }

  /** Takes messages off the end. @param {string[]} ids */
  remove(ids) {
    for (const id of ids) {
      this.#views.get(id)?.element.remove();
      this.#views.delete(id);
    }
    this.#path = this.#path.filter((message) => !ids.includes(message.id));
  }

  /** @param {string} id @returns {MessageView|undefined} */
  view(id) {
    return this.#views.get(id);
  }

  /** Goes to the end and follows it. */
  toEnd() {
    this.#lock.toEnd();
  }

  /** Scrolls to a message, builds it if need be, and marks where text stands in it. @param {string} id @param {string} [text] */
  reveal(id, text = '') {
    const index = this.#path.findIndex((message) => message.id === id);
    if (index < 0) {
      return;
    }
    this.#lock.release();
    while (this.#first > index) {
      this.#buildEarlier();
    }
    const { element } = this.#views.get(id);
    element.scrollIntoView({ block: 'center' });
    element.focus({ preventScroll: true });
    element.classList.add('found');
    scrollToRange(markHits(element.querySelector('.message-body'), text), this.#box);
  }

  /** Where the reader is. @returns {{id: string, top: number}|null} null: at the end */
  place() {
    if (this.#lock.atEnd) {
      return null;
    }
    const edge = this.#box.getBoundingClientRect().top;
    for (const message of this.#path.slice(this.#first)) {
      const { top, bottom } = this.#views.get(message.id).element.getBoundingClientRect();
      if (bottom > edge && !message.pending) {
        return { id: message.id, top: Math.round(top - edge) };
      }
    }
    return null;
  }

  /** Goes back to where the reader was, if that message is on this branch. @param {{id: string, top: number}|null} place */
  goTo(place) {
    const index = place === null ? -1 : this.#path.findIndex((message) => message.id === place.id);
    if (index < 0) {
      return;
    }
    this.#lock.release();
    while (this.#first > index) {
      this.#buildEarlier();
    }
    const { element } = this.#views.get(place.id);
    this.#hold(element, place.top);
  }

  /* What comes into sight by scrolling is laid out then, perhaps with another height than was guessed: look again until it rests. */
  #hold(element, wanted, frames = SETTLE_FRAMES) {
    if (!element.isConnected || this.#lock.atEnd) {
      return;
    }
    const off = element.getBoundingClientRect().top - this.#box.getBoundingClientRect().top - wanted;
    if (Math.abs(off) >= 1) {
      this.#box.scrollTop += off;
    }
    if (frames > 0) {
      requestAnimationFrame(() => this.#hold(element, wanted, frames - 1));
    }
  }

  /** Draws everything anew, after a change of language. */
  redraw() {
    const top = this.#box.scrollTop;
    this.#earlier.textContent = t('chat.earlier');
    for (const [id, view] of this.#views) {
      if (view.message.status !== 'streaming' && !view.message.pending && !view.editing) {
        const fresh = new MessageView(view.message, view.siblings);
        view.element.replaceWith(fresh.element);
        this.#views.set(id, fresh);
      }
    }
    this.#box.scrollTop = top;
  }

  #build(message) {
    const view = new MessageView(message, message.pending ? [message.id] : this.#siblingsOf(message.id));
    this.#views.set(message.id, view);
    return view;
  }

  #commonLength(path) {
    let length = 0;
    while (length < path.length && length < this.#path.length && path[length].id === this.#path[length].id) {
      length += 1;
    }
    return length;
  }

  #removeFrom(index) {
    this.remove(this.#path.slice(index).map((message) => message.id));
  }

  #refresh() {
    for (const message of this.#path.slice(this.#first)) {
      const view = this.#views.get(message.id);
      const siblings = this.#siblingsOf(message.id);
      if (view.message !== message || siblings.length !== view.siblings.length) {
        view.update(message, siblings);
      }
    }
  }

  /* Built above what is read: the reader's place must not move, with or without the browser's own scroll anchoring. */
  #buildEarlier() {
    if (this.#first === 0) {
      return false;
    }
    const from = Math.max(0, this.#first - STEP);
    const anchor = this.#list.firstElementChild;
    const before = anchor.getBoundingClientRect().top;
    const views = this.#path.slice(from, this.#first).map((message) => this.#build(message).element);
    this.#list.prepend(...views);
    this.#first = from;
    this.#updateEarlier();
    this.#box.scrollTop += anchor.getBoundingClientRect().top - before;
    return true;
  }

  #updateEarlier() {
    this.#earlier.textContent = t('chat.earlier');
    this.#earlier.hidden = this.#first === 0;
  }

  #onClick(event, onAction) {
    const button = event.target.closest('[data-action]');
    const element = button?.closest('[data-message-id]');
    const view = element ? this.#views.get(element.dataset.messageId) : null;
    if (view) {
      onAction(button.dataset.action, view, button);
    }
  }
}

/** The page shown where a conversation has no messages. @param {string} name @returns {HTMLElement} */
export function greeting(name) {
  return el('div', { class: 'greeting' }, el('p', { class: 'greeting-hello' }, t('chat.hello', { name: isolate(name) })), el('p', { class: 'greeting-ask' }, t('chat.greeting')));
}

/* A hit may stand far below the beginning of a long message. */
function scrollToRange(range, box) {
  if (range !== null) {
    const { top, bottom } = range.getBoundingClientRect();
    const frame = box.getBoundingClientRect();
    if (top < frame.top || bottom > frame.bottom) {
      box.scrollTop += top - frame.top - frame.height / 3;
    }
  }
}
