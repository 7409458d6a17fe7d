/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * The messages of a conversation in the order they were recorded, each with what was recorded about it. A long conversation is
 * drawn in slices so that the page answers meanwhile. The browser's address may name one message (#m-<id>).
 */

import { el, replaceChildren } from '../shared/dom.js';
import { formatNumber, hasMessage, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { renderMarkdown } from '../shared/markdown.js';
import { fact } from './transcript_about.js';
import { userText, withMarks } from './user_text.js';
import { timeText } from './words_for.js';

const SLICE = 40;
const STATUS_BADGE = {
  complete: 'badge-success',
  streaming: 'badge-info',
  stopped: 'badge-warn',
  interrupted: 'badge-warn',
  error: 'badge-error',
};
/* Shown in words of their own; whatever else was recorded is listed under its own name. */
const KNOWN = new Set([
  'id',
  'parent_id',
  'seq',
  'role',
  'content',
  'status',
  'created_at',
  'finished_at',
  'model',
  'finish_reason',
  'usage',
  'detail',
  'feedback',
]);

/**
 * @param {{messages: Object[]}} conversation
 * @param {{content: boolean, source: boolean, signal: AbortSignal}} options content: may the reader see it; source: as plain text
 * @returns {{node: HTMLElement, showSource: function(boolean): void}}
 */
export function messageList(conversation, { content, source, signal }) {
  const { messages } = conversation;
  const list = el('ol', { class: 'messages', aria: { label: t('transcript.list') } });
  const revisions = revisionsOf(messages);
  const bodies = [];
  let asSource = source;
  inSlices(
    messages,
    (message) => {
      const body = el('div', { class: 'message-body', dir: 'auto' });
      bodies.push([body, message]);
      fillBody(body, message, content, asSource);
      list.append(el('li', null, messageElement(message, body, revisions)));
    },
    { signal, done: () => goToNamed(list) },
  );
  addEventListener('hashchange', () => goToNamed(list), { signal });
  openDetailsForPrint(list, signal);
  return {
    node: messages.length > 0 ? list : el('p', { class: 'muted' }, t('transcript.empty')),
    showSource: (on) => {
      asSource = on;
      inSlices([...bodies], ([body, message]) => fillBody(body, message, content, on), { signal, done: () => {} });
    },
  };
}

/* The first slice at once, the others when the browser has had time to answer; a later run over the same list may overtake harmlessly. */
function inSlices(items, each, { signal, done }) {
  const next = (start) => {
    if (signal.aborted) {
      return;
    }
    items.slice(start, start + SLICE).forEach(each);
    setTimeout(start + SLICE < items.length ? () => next(start + SLICE) : done);
  };
  next(0);
}

function fillBody(body, message, content, asSource) {
  if (!content) {
    replaceChildren(body, el('p', { class: 'muted' }, t('transcript.contentHidden')));
  } else if (!message.content) {
    replaceChildren(body, el('p', { class: 'muted' }, t('transcript.emptyMessage')));
  } else if (message.role === 'assistant' && !asSource) {
    replaceChildren(body, el('div', { class: 'markdown' }, renderMarkdown(message.content)));
  } else {
    replaceChildren(body, el('div', { class: asSource ? 'source-text' : 'plain-text' }, withMarks(message.content)));
  }
}

function messageElement(message, body, revisions) {
  const { index, count } = revisions.get(message.id);
  return el(
    'article',
    { class: `message message-${message.role}`, id: `m-${message.id}`, tabindex: '-1' },
    el(
      'header',
      { class: 'message-head' },
      el('h3', null, hasMessage(`message.${message.role}`) ? t(`message.${message.role}`) : message.role),
      timeText(message.created_at, { dateStyle: 'medium', timeStyle: 'medium' }),
      message.status !== 'complete' && statusBadge(message.status),
      count > 1 && el('span', { class: 'badge badge-info' }, t('message.revision', { index, count })),
      message.model && userText(message.model, { class: 'muted message-model' }),
      el(
        'a',
        { class: 'message-link', href: `#m-${message.id}`, aria: { label: t('message.permalink', { seq: message.seq }) } },
        `#${message.seq}`,
      ),
    ),
    message.detail && el('p', { class: 'notice notice-warn' }, message.detail),
    body,
    feedbackLine(message.feedback),
    details(message),
  );
}

function statusBadge(status) {
  return el('span', { class: `badge ${STATUS_BADGE[status] ?? ''}` }, hasMessage(`status.${status}`) ? t(`status.${status}`) : status);
}

function feedbackLine(feedback) {
  if (!feedback || (!feedback.rating && !feedback.comment)) {
    return null;
  }
  const word = feedback.rating < 0 ? 'down' : 'up';
  return el(
    'p',
    { class: `feedback feedback-${word}` },
    el('span', { class: 'visually-hidden' }, `${t('message.feedback')}: `),
    feedback.rating !== 0 && [icon(word === 'down' ? 'thumbDown' : 'thumbUp'), t(`message.feedback.${word}`)],
    feedback.comment && userText(feedback.comment, { class: 'feedback-comment' }),
  );
}

function details(message) {
  const rest = Object.entries(message).filter(([name, value]) => !KNOWN.has(name) && value !== null);
  return el(
    'details',
    { class: 'message-details' },
    el('summary', null, t('message.details')),
    el(
      'dl',
      { class: 'facts' },
      fact('message.status', statusBadge(message.status)),
      message.model && fact('message.model', userText(message.model)),
      message.finish_reason && fact('message.finishReason', el('span', { class: 'mono' }, message.finish_reason)),
      message.usage && fact('message.usage', usageText(message.usage)),
      message.finished_at && fact('message.finished', timeText(message.finished_at, { dateStyle: 'medium', timeStyle: 'medium' })),
      message.finished_at && fact('message.duration', durationText(message)),
      fact('message.id', el('span', { class: 'mono' }, message.id)),
      message.parent_id && fact('message.parent', el('a', { class: 'mono', href: `#m-${message.parent_id}` }, message.parent_id)),
      rest.map(([name, value]) => el('div', null, el('dt', null, name), el('dd', { class: 'mono' }, withMarks(JSON.stringify(value))))),
    ),
  );
}

function usageText(usage) {
  const { prompt_tokens: prompt, completion_tokens: completion } = usage;
  return Number.isFinite(prompt) && Number.isFinite(completion)
    ? el(
        'span',
        { title: JSON.stringify(usage) },
        t('message.usage.value', { prompt: formatNumber(prompt), completion: formatNumber(completion) }),
      )
    : el('span', { class: 'mono' }, JSON.stringify(usage));
}

function durationText({ created_at: begun, finished_at: finished }) {
  return t('message.seconds', { seconds: formatNumber((new Date(finished) - new Date(begun)) / 1000, { maximumFractionDigits: 1 }) });
}

/* Siblings under one parent with the same role are revisions of one message. */
function revisionsOf(messages) {
  const families = new Map();
  for (const message of messages) {
    const key = `${message.parent_id} ${message.role}`;
    families.set(key, families.get(key) ?? []);
    families.get(key).push(message);
  }
  const places = new Map();
  for (const family of families.values()) {
    family.forEach((message, index) => places.set(message.id, { index: index + 1, count: family.length }));
  }
  return places;
}

function goToNamed(list) {
  const id = /^#(m-[0-9a-f-]+)$/i.exec(location.hash)?.[1];
  list.querySelector('.is-named')?.classList.remove('is-named');
  const message = id && list.querySelector(`[id="${id}"]`);
  if (message) {
    message.classList.add('is-named');
    message.scrollIntoView({ block: 'start' });
    message.focus({ preventScroll: true });
  }
}

function openDetailsForPrint(list, signal) {
  const closed = [];
  addEventListener(
    'beforeprint',
    () => {
      closed.push(...list.querySelectorAll('details:not([open])'));
      closed.forEach((node) => {
        node.open = true;
      });
    },
    { signal },
  );
  addEventListener(
    'afterprint',
    () =>
      closed.splice(0).forEach((node) => {
        node.open = false;
      }),
    { signal },
  );
}
