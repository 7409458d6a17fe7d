/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * One conversation, read-only. Content is asked of the server only after the operator has given a reason, which the server records before it
 * answers. A viewer sees who talked when, and a sentence why no content is there.
 */

import { el, replaceChildren } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { filterParams } from './conversation_filter.js';
import { getConversation } from './endpoints.js';
import { roleName } from './entrance.js';
import { emptyBox, loadInto } from './loading.js';
import { keep, lastKey, recall } from './memory.js';
import { askReason } from './reason_dialog.js';
import { may } from './roles.js';
import { hrefFor } from './router.js';
import { screenHeader } from './screen_header.js';
import { messageList } from './transcript_messages.js';
import { transcriptActions } from './transcript_actions.js';
import { aboutPanel } from './transcript_about.js';
import { userText } from './user_text.js';

/**
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, user: Object, role: string, restored: boolean, signal: AbortSignal}} context
 */
export function showTranscript(host, context) {
  const id = context.params.get('conversation');
  const before = context.restored ? recall('transcript', id) : null;
  const screen = { host, id, ...context };
  if (before) {
    replaceChildren(host, draw(screen, before));
  } else if (may(context.role, 'readContent')) {
    reasonThenLoad(screen);
  } else {
    load(screen, '');
  }
}

async function reasonThenLoad(screen) {
  const give = el('button', { class: 'button button-primary', type: 'button', onclick: () => reasonThenLoad(screen) }, t('reason.give'));
  replaceChildren(screen.host, head(), emptyBox(t('reason.missing'), t('reason.missing.detail'), give));
  const reason = await askReason(screen.signal);
  if (reason !== null && !screen.signal.aborted) {
    load(screen, reason);
  }
}

function load(screen, reason) {
  loadInto(screen.host, {
    load: () => getConversation(screen.id, reason, screen.signal),
    draw: (conversation) => {
      const shown = { conversation, reason, source: false };
      keep('transcript', screen.id, shown);
      return draw(screen, shown);
    },
    signal: screen.signal,
    head,
  });
}

function head() {
  return [backLink(), screenHeader(t('nav.transcript'), null)];
}

function draw(screen, shown) {
  const { conversation, reason } = shown;
  const content = may(screen.role, 'readContent');
  const messages = messageList(conversation, { content, source: shown.source, signal: screen.signal });
  const title = content
    ? conversation.title
      ? userText(conversation.title)
      : t('console.untitled')
    : el('span', { class: 'mono' }, conversation.id);
  return [
    backLink(),
    screenHeader(title, null, ...transcriptActions(conversation, screen, () => load(screen, reason))),
    !content && el('p', { class: 'notice notice-info' }, icon('help'), t('transcript.metadataOnly', { role: roleName(screen.role) })),
    el(
      'div',
      { class: 'transcript' },
      aboutPanel(conversation, { reason, reader: screen.user, signal: screen.signal }),
      el('div', { class: 'transcript-main' }, content && sourceSwitch(shown, messages), messages.node),
    ),
  ];
}

function sourceSwitch(shown, messages) {
  const box = el('input', { type: 'checkbox', checked: shown.source });
  box.addEventListener('change', () => {
    shown.source = box.checked;
    messages.showSource(box.checked);
  });
  return el('label', { class: 'check source-switch' }, box, t('transcript.source'));
}

function backLink() {
  const filter = lastKey('conversations');
  const href = hrefFor('conversations', filter ? filterParams(JSON.parse(filter)) : {});
  return el('a', { class: 'back-link', href }, icon('chevronLeft'), t('transcript.back'));
}
