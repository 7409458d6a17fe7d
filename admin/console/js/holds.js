/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Matters: what must be kept whatever else is said, since when and why. One of them when the address bar names it. */

import { el, replaceChildren } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { getMatter, listMatters } from './endpoints.js';
import { emptyBox, loadInto } from './loading.js';
import { addUsersByDialog, createMatterByDialog, releaseByDialog } from './matter_dialogs.js';
import { pagedList } from './paged_list.js';
import { may } from './roles.js';
import { hrefFor, hrefForConversation } from './router.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { fact } from './transcript_about.js';
import { userText } from './user_text.js';
import { timeText } from './words_for.js';

const PAGE_SIZE = 50;
const STATES = ['open', 'released', 'all'];

/**
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, role: string, signal: AbortSignal}} context
 */
export function showHolds(host, context) {
  if (context.params.get('matter')) {
    showMatter(host, context);
    return;
  }
  const state = STATES.includes(context.params.get('state')) ? context.params.get('state') : 'open';
  const list = el('div', { class: 'list-host' });
  const create =
    may(context.role, 'hold') &&
    el('button', { class: 'button button-primary', type: 'button', onclick: () => createMatterByDialog() }, icon('plus'), t('holds.new'));
  replaceChildren(host, screenHeader(t('nav.holds'), t('holds.lead'), create), stateTabs(state), list);
  const loadPage = async (after) => {
    const page = await listMatters({ state, after, limit: PAGE_SIZE }, context.signal);
    return { rows: page.matters, next: page.next };
  };
  loadInto(list, { load: () => loadPage(null), draw: (pages) => drawMatters(pages, loadPage), signal: context.signal });
}

function stateTabs(state) {
  return el(
    'nav',
    { class: 'tabs', aria: { label: t('holds.states') } },
    STATES.map((name) =>
      el(
        'a',
        { class: 'button button-small', href: hrefFor('holds', { state: name === 'open' ? '' : name }), aria: name === state ? { current: 'page' } : {} },
        t(`holds.state.${name}`),
      ),
    ),
  );
}

function drawMatters(pages, loadPage) {
  if (pages.rows.length === 0) {
    return emptyBox(t('holds.empty'), t('holds.empty.detail'));
  }
  const table = dataTable({ caption: t('nav.holds'), columns: columns(), idOf: (matter) => matter.id });
  return pagedList({ pages, table, loadPage });
}

function columns() {
  return [
    {
      label: t('holds.name'),
      class: 'primary',
      cell: (matter) => el('a', { class: 'title-link', href: hrefFor('holds', { matter: matter.id }) }, userText(matter.name)),
    },
    { label: t('holds.reason'), class: 'reason', cell: (matter) => userText(matter.reason) },
    { label: t('holds.custodians'), class: 'number', cell: (matter) => formatNumber(matter.custodians) },
    { label: t('holds.conversations'), class: 'number', cell: (matter) => formatNumber(matter.conversations) },
    { label: t('holds.since'), class: 'time', cell: (matter) => [timeText(matter.created_at), ' ', userText(matter.created_by)] },
    { label: t('list.col.state'), class: 'state', cell: matterState },
  ];
}

function matterState(matter) {
  return matter.released_at
    ? [el('span', { class: 'badge' }, t('holds.state.released')), ' ', timeText(matter.released_at, { dateStyle: 'medium' })]
    : el('span', { class: 'badge badge-info' }, t('holds.state.open'));
}

function showMatter(host, context) {
  const id = context.params.get('matter');
  const back = () => el('a', { class: 'back-link', href: hrefFor('holds') }, icon('chevronLeft'), t('nav.holds'));
  const load = () =>
    loadInto(host, {
      load: () => getMatter(id, context.signal),
      draw: (matter) => [back(), ...drawMatter(matter, context, load)],
      head: () => [back()],
      signal: context.signal,
    });
  load();
}

function drawMatter(matter, { role }, reload) {
  const open = !matter.released_at;
  const change = open && may(role, 'hold');
  return [
    screenHeader(
      userText(matter.name),
      null,
      el('a', { class: 'button button-small', href: hrefFor('conversations', { state: 'all', matter: matter.id }) }, icon('search'), t('holds.list')),
      change && button('plus', t('holds.addUsers'), () => addUsersByDialog(matter, reload)),
      change && button(null, t('holds.release'), () => releaseByDialog(matter, reload), 'button-danger'),
    ),
    el(
      'dl',
      { class: 'facts facts-row' },
      fact('list.col.state', matterState(matter)),
      fact('holds.reason', userText(matter.reason)),
      fact('holds.since', [timeText(matter.created_at), ' ', userText(matter.created_by)]),
      matter.released_at && fact('holds.releasedBy', [userText(matter.released_by), ': ', userText(matter.release_reason)]),
    ),
    el('h2', null, t('holds.custodians')),
    matter.users.length > 0
      ? el(
          'ul',
          { class: 'chips' },
          matter.users.map((user) => el('li', null, el('a', { class: 'badge', href: hrefFor('conversations', { user, state: 'all' }) }, userText(user)))),
        )
      : el('p', { class: 'muted' }, t('holds.noCustodians')),
    el('h2', null, t('holds.conversations')),
    heldConversations(matter),
  ];
}

function heldConversations(matter) {
  if (matter.held.length === 0) {
    return el('p', { class: 'muted' }, t('holds.noConversations'));
  }
  const table = dataTable({
    caption: t('holds.conversations'),
    columns: [
      { label: t('list.col.id'), class: 'primary', cell: (row) => el('a', { class: 'title-link mono', href: hrefForConversation(row.id) }, row.id) },
      { label: t('list.col.user'), class: 'user', cell: (row) => userText(row.user) },
    ],
    idOf: (row) => row.id,
  });
  table.addRows(matter.held);
  return [
    table.node,
    matter.conversations > matter.held.length && el('p', { class: 'muted' }, t('holds.more', { count: formatNumber(matter.held.length) })),
  ];
}

function button(name, label, onclick, kind = '') {
  return el('button', { class: `button button-small ${kind}`, type: 'button', onclick }, name && icon(name), label);
}

