/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * One message on the page: its text, how it ended, and what can be done with it. The actions are data-action buttons; the transcript listens
 * once for all of them.
 */

import { el, replaceChildren } from '../shared/dom.js';
import { daysAgo, formatTime, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { renderMarkdown } from '../shared/markdown.js';
import { endingWords } from './endings.js';
import { GrowingText } from './growing-text.js';

/** Draws one message and keeps it current. */
export class MessageView {
  #growing = null;
  #body = el('div', { class: 'message-body', dir: 'auto' });
  #state = el('div', { class: 'message-state' });
  #foot = el('div', { class: 'message-foot' });
  #content = null;
  #editor = null;
  #extra = el('div', { class: 'message-extra' });
  #reasoning = '';

  /**
   * @param {Object} message the API's message, or one of ours that is not accepted yet
   * @param {string[]} siblings ids of its revisions
   */
  constructor(message, siblings = [message.id]) {
    const answer = message.role === 'assistant';
    this.#body.classList.toggle('markdown', answer);
    this.element = el('article', { class: `message message-${answer ? 'answer' : 'user'}`, tabindex: '-1' },
      el('h2', { class: 'visually-hidden' }, t(answer ? 'message.answer' : 'message.you')),
      this.#extra, this.#body, this.#state, this.#foot);
    this.update(message, siblings);
  }

  /** Shows the message's present state. @param {Object} message @param {string[]} siblings */
  update(message, siblings = this.siblings) {
    this.message = message;
    this.siblings = siblings;
    this.element.dataset.messageId = message.id;
    this.element.dataset.status = message.status;
    if (message.status === 'streaming') {
      this.#startGrowing();
    } else {
      this.#settle(message);
    }
    if (message.extra && message.status === 'streaming') {
      this.#reasoning ||= message.extra.reasoning ?? '';
      this.#drawExtra({ ...message.extra, reasoning: this.#reasoning });
    } else if (message.extra) {
      this.#drawExtra(message.extra);
    }
    this.#drawFoot();
  }

  /** The next piece of an answer that is being written. @param {string} piece */
  grow(piece) {
    this.#state.replaceChildren();
    this.#growing.append(piece);
  }

  /** How much of the answer is shown, as text. @returns {string} */
  get text() {
    return this.#growing?.text ?? this.message.content ?? '';
  }

  /** The next piece of what the model thinks before it answers. @param {string} piece */
  reason(piece) {
    this.#reasoning += piece;
    this.#drawExtra({ reasoning: this.#reasoning });
  }

  /** How much of that is shown. @returns {string} */
  get reasoning() {
    return this.#reasoning;
  }

  /** Says why no text is coming: `thinking`, `sending`, `queued`, `reconnecting`, or '' for nothing. @param {string} state @param {Object} [params] */
  wait(state, params = {}) {
    if (state === '') {
      this.#state.replaceChildren();
      return;
    }
    const dots = el('span', { class: 'dots', aria: { hidden: true } }, el('span'), el('span'), el('span'));
    replaceChildren(this.#state, el('p', { class: 'waiting', dataset: { waiting: state } }, dots, t(`message.${state}`, params)));
  }

  /** Whether the message is being written anew. @returns {boolean} */
  get editing() {
    return this.#editor !== null;
  }

  /** Puts an editor in the message's place. @param {HTMLElement} editor */
  edit(editor) {
    this.endEdit();
    this.#editor = editor;
    this.element.classList.add('editing');
    this.#body.before(editor);
  }

  /** Shows the message again. */
  endEdit() {
    this.#editor?.remove();
    this.#editor = null;
    this.element.classList.remove('editing');
  }

  /** Shows a card below the message. @param {Node|null} card */
  showCard(card) {
    replaceChildren(this.#state, card);
  }

  /* What an answer has beside its text, folded: the model's thoughts, calls of tools, parts that are no text. */
  #drawExtra({ reasoning, tool_calls: calls, parts }) {
    const show = (key, text) => {
      let box = this.#extra.querySelector(`[data-extra="${key}"]`);
      if (box === null) {
        box = el('details', { class: 'extra', dataset: { extra: key } }, el('summary', null, t(`extra.${key}`)), el('div', { class: 'extra-text', dir: 'auto' }));
        this.#extra.append(box);
      }
      box.lastElementChild.textContent = text;
    };
    if (reasoning) {
      show('reasoning', reasoning);
    }
    if (calls?.length) {
      show('tools', calls.map((call) => `${call.function?.name ?? call.type ?? ''} ${call.function?.arguments ?? ''}`.trim()).join('\n'));
    }
    if (parts?.length) {
      show('parts', parts.map((part) => JSON.stringify(part, null, 2)).join('\n'));
    }
  }

  #startGrowing() {
    if (this.#growing !== null) {
      this.#catchUp(this.message.content ?? '');
      return;
    }
    this.#growing = new GrowingText(this.#body);
    this.element.setAttribute('aria-busy', 'true');
    if (this.message.content) {
      this.#growing.append(this.message.content);
    } else {
      this.wait('thinking');
    }
  }

  /* A conversation that was read again may know more of the answer than has been shown. */
  #catchUp(content) {
    const { text } = this.#growing;
    if (content.length > text.length && content.startsWith(text)) {
      this.grow(content.slice(text.length));
    }
  }

  #settle(message) {
    const shown = this.#growing?.text ?? null;
    this.element.removeAttribute('aria-busy');
    if (shown !== null && shown === message.content) {
      this.#growing.finish();
    } else if (this.#content !== message.content) {
      this.#draw(message);
    }
    this.#growing = null;
    this.#content = message.content;
    replaceChildren(this.#state, this.#ending(message));
  }

  #draw(message) {
    if (message.role === 'assistant') {
      this.#body.replaceChildren(renderMarkdown(message.content ?? ''));
    } else {
      this.#body.textContent = message.content ?? '';
    }
  }

  #ending({ role, status, detail, content }) {
    if (role !== 'assistant' || status === 'streaming') {
      return null;
    }
    const goOn = content ? [actionButton('continue', t('message.continue'))] : [];
    const ways = [...goOn, actionButton('regenerate', t('message.retry'))];
    if (status === 'stopped') {
      return el('div', { class: 'ending' }, el('span', { class: 'badge badge-warn' }, t('message.stopped')), goOn);
    }
    if (status === 'interrupted') {
      return failureCard(t('message.interrupted'), t('message.interrupted_text'), ways, endingWords(detail));
    }
    if (status === 'error') {
      return failureCard(t('message.error'), t('message.error_text'), ways, endingWords(detail));
    }
    return content === '' ? el('p', { class: 'ending' }, t('message.empty')) : null;
  }

  #drawFoot() {
    const { message } = this;
    const pending = message.pending || message.status === 'streaming';
    replaceChildren(this.#foot,
      this.siblings.length > 1 && !pending && this.#versions(),
      pending ? null : this.#actions(message),
      pending ? null : when(message));
  }

  #versions() {
    const n = this.siblings.indexOf(this.message.id) + 1;
    const count = this.siblings.length;
    return el('span', { class: 'versions', role: 'group', aria: { label: t('message.versions') } },
      action('version', 'chevronLeft', t('message.previous'), { to: this.siblings[n - 2] }, n <= 1),
      el('span', { class: 'version', title: t('message.version', { n, count }) }, `${n}/${count}`),
      action('version', 'chevronRight', t('message.next'), { to: this.siblings[n] }, n >= count));
  }

  #actions(message) {
    const copy = action('copy', 'copy', t('message.copy'));
    if (message.role !== 'assistant') {
      return [copy, action('edit', 'edit', t('message.edit'))];
    }
    const rating = message.feedback?.rating ?? 0;
    return [
      copy,
      action('regenerate', 'refresh', t('message.regenerate')),
      rate('thumbUp', t('message.like'), 1, rating),
      rate('thumbDown', t('message.dislike'), -1, rating),
    ];
  }
}

/**
 * A card that says in words what went wrong, with ways on.
 * @param {string} title
 * @param {string} text
 * @param {Node[]} buttons
 * @param {string} [detail] what the server says of it
 * @returns {HTMLElement}
 */
export function failureCard(title, text, buttons, detail = '') {
  return el('div', { class: 'failure', role: 'group', aria: { label: title } },
    el('p', { class: 'failure-title' }, icon('warning'), title),
    text && el('p', { dir: 'auto' }, text),
    detail && el('p', { class: 'failure-detail', dir: 'auto' }, detail),
    el('div', { class: 'failure-actions' }, buttons));
}

/** A worded button that the transcript hears. @param {string} name @param {string} label @returns {HTMLElement} */
function actionButton(name, label) {
  return el('button', { class: 'button button-small', type: 'button', dataset: { action: name } }, label);
}

function action(name, iconName, label, data = {}, disabled = false) {
  return el('button', { class: 'icon-button', type: 'button', disabled, title: label, aria: { label }, dataset: { action: name, ...data } }, icon(iconName));
}

function rate(iconName, label, value, rating) {
  const button = action('rate', iconName, label, { rating: value });
  button.setAttribute('aria-pressed', String(rating === value));
  return button;
}

function when({ role, created_at: created, finished_at: finished, model }) {
  const at = finished ?? created;
  if (!at) {
    return null;
  }
  const today = daysAgo(new Date(at)) === 0;
  const words = [formatTime(at, today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' }), role === 'assistant' ? model : null].filter(Boolean).join(' · ');
  return el('time', { class: 'message-time', datetime: at, title: at, dir: 'auto' }, words);
}
