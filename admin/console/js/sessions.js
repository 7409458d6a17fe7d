/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The list of sessions, and ending one or several. */

import { browserName } from '../shared/browser-name.js';
import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { confirmDialog, toast } from '../shared/notify.js';
import { listSessions, revokeSessions } from './endpoints.js';
import { roleName } from './entrance.js';
import { emptyBox, loadInto } from './loading.js';
import { forget, keep, recall } from './memory.js';
import { screenHeader } from './screen_header.js';
import { Selection } from './selection.js';
import { dataTable } from './table.js';
import { plainUserText, userText } from './user_text.js';
import { dash, tCount, timeText } from './words_for.js';

const NAMES_SHOWN = 5;

/**
 * @param {HTMLElement} host
 * @param {{restored: boolean, signal: AbortSignal}} context
 */
export function showSessions(host, { restored, signal }) {
  const list = el('div', { class: 'list-host' });
  const screen = { list, signal };
  replaceChildren(
    host,
    screenHeader(
      t('nav.sessions'),
      t('sessions.lead'),
      el('button', { class: 'button button-small', type: 'button', onclick: () => load(screen) }, icon('refresh'), t('home.refresh')),
    ),
    list,
  );
  const before = restored ? recall('sessions', '') : null;
  if (before) {
    replaceChildren(list, drawSessions(screen, before));
  } else {
    load(screen);
  }
}

/**
 * A user's sessions as a table, each with its button to end it.
 * @param {Object[]} sessions
 * @param {function(): void} onEnded called after one was ended
 * @returns {HTMLElement}
 */
export function sessionsTable(sessions, onEnded) {
  const table = dataTable({ caption: t('sessions.caption'), columns: columns(onEnded, true), idOf: (session) => session.ref });
  table.addRows(sessions);
  return table.node;
}

function load(screen) {
  loadInto(screen.list, {
    load: async () => (await listSessions(screen.signal)).sessions,
    draw: (sessions) => {
      keep('sessions', '', sessions);
      return drawSessions(screen, sessions);
    },
    signal: screen.signal,
  });
}

function drawSessions(screen, sessions) {
  if (sessions.length === 0) {
    return emptyBox(t('sessions.empty'), t('sessions.empty.detail'));
  }
  const selection = new Selection();
  const table = dataTable({
    caption: t('sessions.caption'),
    columns: columns(() => ended(screen), false),
    idOf: (session) => session.ref,
    nameOf: (session) => `${plainUserText(session.user ?? '')}, ${browserName(session.user_agent) || t('console.none')}`,
    selection,
  });
  table.addRows(sessions);
  return [
    selectionBar(screen, selection),
    el(
      'div',
      { class: 'paged-list' },
      table.node,
      el('div', { class: 'list-foot' }, el('p', { class: 'muted' }, tCount('console.shown', sessions.length))),
    ),
  ];
}

function selectionBar(screen, selection) {
  const count = el('p', { class: 'bulk-count', role: 'status' });
  const bar = el(
    'div',
    { class: 'bulk-bar', role: 'region', hidden: true, aria: { label: t('bulk.label') } },
    count,
    el(
      'div',
      { class: 'bulk-actions' },
      el(
        'button',
        { class: 'button button-small button-danger', type: 'button', onclick: () => end(selection.rows, () => ended(screen)) },
        icon('logout'),
        t('sessions.endSelected'),
      ),
    ),
    el(
      'button',
      { class: 'button button-small button-quiet', type: 'button', onclick: () => selection.clear() },
      icon('close'),
      t('bulk.clear'),
    ),
  );
  selection.onChange(() => {
    bar.hidden = selection.isEmpty;
    count.textContent = tCount('bulk.selected', selection.size);
  });
  return bar;
}

/* Where all are of one user, the browser heads the row in place of the name. */
function columns(onEnded, ofOneUser) {
  const agent = (session) =>
    el('span', { title: session.user_agent ?? '' }, browserName(session.user_agent) || t('console.none'));
  const reference = (session) => el('span', { class: 'mono muted reference', title: t('sessions.col.ref') }, session.ref);
  const who = [
    {
      label: t('sessions.col.user'),
      class: 'primary',
      cell: (session) => [session.user ? userText(session.user, { class: 'name' }) : dash(), reference(session)],
    },
    { label: t('sessions.col.role'), class: 'brief', cell: (session) => (session.role ? roleName(session.role) : dash()) },
    { label: t('sessions.col.agent'), class: 'brief', cell: agent },
  ];
  const which = [
    {
      label: t('sessions.col.agent'),
      class: 'primary',
      cell: (session) => [
        agent(session),
        session.current && [' ', el('span', { class: 'badge badge-info' }, t('sessions.current'))],
        reference(session),
      ],
    },
  ];
  return [
    ...(ofOneUser ? which : who),
    { label: t('sessions.col.network'), class: 'mono brief', cell: (session) => session.network ?? dash() },
    { label: t('sessions.col.lastSeen'), class: 'time may-wrap', cell: (session) => timeText(session.last_seen_at) },
    { label: t('sessions.col.created'), class: 'time may-wrap secondary', cell: (session) => timeText(session.created_at) },
    { label: t('sessions.col.expires'), class: 'time may-wrap secondary', cell: (session) => timeText(session.expires_at) },
    { label: t('sessions.col.action'), class: 'actions', cell: (session) => endButton(session, onEnded) },
  ];
}

function endButton(session, onEnded) {
  return el(
    'button',
    {
      class: 'button button-small',
      type: 'button',
      aria: { label: t('sessions.endOf', { name: plainUserText(session.user ?? session.ref) }) },
      onclick: () => end([session], onEnded),
    },
    t('sessions.end'),
  );
}

function ended(screen) {
  forget('sessions');
  load(screen);
}

async function end(sessions, onEnded) {
  const yes = await confirmDialog({
    title: tCount('sessions.confirm.title', sessions.length),
    body: t('sessions.confirm.detail', { names: namesOf(sessions) }),
    confirmLabel: tCount('sessions.confirm.do', sessions.length),
    danger: true,
  });
  if (!yes) {
    return;
  }
  try {
    const done = await revokeSessions(sessions.map((session) => session.ref));
    toast({ text: tCount('sessions.done', done.sessions), kind: 'success' });
    onEnded();
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
  }
}

function namesOf(sessions) {
  const names = [...new Set(sessions.map((session) => `\u2068${plainUserText(session.user ?? session.ref)}\u2069`))];
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  const more = names.length - NAMES_SHOWN;
  return more > 0 ? tCount('sessions.confirm.more', more, { names: shown }) : shown;
}
