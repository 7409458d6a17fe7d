/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The list of users: found by a part of the name, by role and state; page by page. Administrators make one here. */

import { el, replaceChildren } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { listUsers } from './endpoints.js';
import { roleName } from './entrance.js';
import { emptyBox, loadInto } from './loading.js';
import { keep, recall } from './memory.js';
import { pagedList } from './paged_list.js';
import { ROLES, may } from './roles.js';
import { hrefFor, rewrite } from './router.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { showUser } from './user.js';
import { userColumns } from './user_columns.js';
import { createUserByDialog } from './user_dialogs.js';

const PAGE_SIZE = 50;
const TYPING_MS = 250;
const STATES = ['active', 'disabled'];

/**
 * The list, or one user when the address bar names one.
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, restored: boolean, signal: AbortSignal, role: string, user: {name: string}}} context
 */
export function showUsers(host, context) {
  if (context.params.get('name')) {
    showUser(host, context);
    return;
  }
  const screen = { ...context, filter: readFilter(context.params), list: el('div', { class: 'list-host' }), asked: new AbortController() };
  context.signal.addEventListener('abort', () => screen.asked.abort());
  replaceChildren(
    host,
    screenHeader(t('nav.users'), t('users.lead'), may(context.role, 'manageUsers') && newButton()),
    filterForm(screen),
    screen.list,
  );
  const before = context.restored ? recall('users', keyOf(screen.filter)) : null;
  if (before) {
    replaceChildren(screen.list, drawPages(screen, before));
  } else {
    load(screen);
  }
}

function newButton() {
  return el('button', { class: 'button button-primary', type: 'button', onclick: () => createUserByDialog() }, icon('plus'), t('users.new'));
}

/* What is not understood is left out. */
function readFilter(params) {
  const oneOf = (name, words) => (words.includes(params.get(name)) ? params.get(name) : '');
  return { q: (params.get('q') ?? '').trim(), role: oneOf('role', ROLES), state: oneOf('state', STATES) };
}

function keyOf(filter) {
  return JSON.stringify(filter);
}

function filterForm(screen) {
  const { filter } = screen;
  const find = el('input', {
    class: 'input input-small',
    type: 'search',
    id: 'users-find',
    value: filter.q,
    maxlength: '64',
    placeholder: t('users.find.placeholder'),
    autocapitalize: 'none',
    autocomplete: 'off',
    spellcheck: 'false',
    dataset: { search: '' },
  });
  const role = choice('users-role', t('users.anyRole'), ROLES, roleName, filter.role);
  const state = choice('users-state', t('users.anyState'), STATES, (name) => t(`users.state.${name}`), filter.state);
  const apply = () => change(screen, { q: find.value.trim(), role: role.value, state: state.value });
  let typing = null;
  find.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(apply, TYPING_MS);
  });
  role.addEventListener('change', apply);
  state.addEventListener('change', apply);
  screen.signal.addEventListener('abort', () => clearTimeout(typing));
  const submit = (event) => {
    event.preventDefault();
    clearTimeout(typing);
    apply();
  };
  return el(
    'form',
    { class: 'filter-bar', role: 'search', aria: { label: t('users.filter') }, onsubmit: submit },
    el('div', { class: 'field field-q' }, el('label', { for: 'users-find' }, t('users.find')), find),
    el('div', { class: 'field' }, el('label', { for: 'users-role' }, t('users.col.role')), role),
    el('div', { class: 'field' }, el('label', { for: 'users-state' }, t('users.col.state')), state),
  );
}

function choice(id, any, words, nameOf, chosen) {
  const select = el(
    'select',
    { class: 'input input-small', id },
    el('option', { value: '' }, any),
    words.map((word) => el('option', { value: word }, nameOf(word))),
  );
  select.value = chosen;
  return select;
}

/* Another filter: the address bar follows, the answer to the one before is not waited for any more. */
function change(screen, filter) {
  if (screen.signal.aborted || keyOf(filter) === keyOf(screen.filter)) {
    return;
  }
  screen.filter = filter;
  screen.asked.abort();
  screen.asked = new AbortController();
  rewrite(hrefFor('users', filter));
  load(screen);
}

function load(screen) {
  const { signal } = screen.asked;
  loadInto(screen.list, { load: () => loadPage(screen.filter, null, signal), draw: (pages) => drawPages(screen, pages), signal });
}

async function loadPage(filter, after, signal) {
  const page = await listUsers({ ...filter, after, limit: PAGE_SIZE }, signal);
  return { rows: page.users, next: page.next };
}

function drawPages(screen, pages) {
  const { filter } = screen;
  const { signal } = screen.asked;
  keep('users', keyOf(filter), pages);
  if (pages.rows.length === 0) {
    return filter.q || filter.role || filter.state
      ? emptyBox(t('users.noMatch'), t('users.noMatch.detail'))
      : emptyBox(t('users.empty'), t('users.empty.detail'));
  }
  const table = dataTable({ caption: t('users.caption'), columns: userColumns(), idOf: (user) => user.name });
  return pagedList({ pages, table, loadPage: (after) => loadPage(filter, after, signal) });
}
