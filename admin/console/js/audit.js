/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The audit log: what operators looked at and did, newest first. */

import { el, replaceChildren } from '../shared/dom.js';
import { formatNumber, hasMessage, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openDialog } from '../shared/notify.js';
import { isDay, moments } from './days.js';
import { auditExportUrl, listAudit, verifyAudit } from './endpoints.js';
import { roleName } from './entrance.js';
import { emptyBox, loadInto, rowsSkeleton } from './loading.js';
import { keep, recall } from './memory.js';
import { pagedList } from './paged_list.js';
import { downloadWhenFresh } from './reauthenticate.js';
import { may } from './roles.js';
import { hrefFor, hrefForConversation, navigate } from './router.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { userText, withMarks } from './user_text.js';
import { dash, timeText } from './words_for.js';

const PAGE_SIZE = 50;

/**
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, role: string, restored: boolean, signal: AbortSignal}} context
 */
export function showAudit(host, { params, role, restored, signal }) {
  const list = el('div', { class: 'list-host' });
  const filter = readFilter(params);
  const key = JSON.stringify(filter);
  const loadPage = async (after) => {
    const page = await listAudit({ ...apiFilter(filter), after, limit: PAGE_SIZE }, signal);
    return { rows: page.entries, next: page.next };
  };
  const draw = (pages) => {
    keep('audit', key, pages);
    return drawEntries(pages, filter, loadPage);
  };
  replaceChildren(
    host,
    screenHeader(
      t('nav.audit'),
      t('audit.lead'),
      el('button', { class: 'button button-small', type: 'button', onclick: verifyByDialog }, icon('check'), t('audit.verify')),
      may(role, 'export') &&
        el('a', { class: 'button button-small', href: auditExportUrl(apiFilter(filter)), download: '', onclick: (event) => downloadWhenFresh(event) }, icon('download'), t('audit.export')),
    ),
    filterForm(filter),
    list,
  );
  const before = restored ? recall('audit', key) : null;
  if (before) {
    replaceChildren(list, draw(before));
  } else {
    loadInto(list, { load: () => loadPage(null), draw, signal });
  }
}

const FIELDS = ['operator', 'action', 'user', 'conversation', 'from', 'to'];

function readFilter(params) {
  const get = (name) => (params.get(name) ?? '').trim();
  const day = (name) => (isDay(get(name)) ? get(name) : '');
  return { ...Object.fromEntries(FIELDS.map((name) => [name, get(name)])), from: day('from'), to: day('to') };
}

/* What is empty is left out. */
function apiFilter(filter) {
  const query = { ...filter, ...moments(filter) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''));
}

function filterForm(filter) {
  const inputs = FIELDS.map((name) =>
    el('input', {
      class: 'input input-small',
      id: `audit-${name}`,
      type: name === 'from' || name === 'to' ? 'date' : 'search',
      value: filter[name],
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      dataset: name === 'operator' ? { search: '' } : {},
    }),
  );
  const apply = (event) => {
    event.preventDefault();
    navigate(hrefFor('audit', Object.fromEntries(FIELDS.map((name, index) => [name, inputs[index].value.trim()]))));
  };
  return el(
    'form',
    { class: 'filter-bar', role: 'search', aria: { label: t('list.filter') }, onsubmit: apply },
    inputs.map((input, index) =>
      el('div', { class: 'field' }, el('label', { for: input.id }, t(`audit.filter.${FIELDS[index]}`)), input),
    ),
    el(
      'div',
      { class: 'filter-actions' },
      el('button', { class: 'button button-small button-primary', type: 'submit' }, icon('search'), t('list.apply')),
      FIELDS.some((name) => filter[name]) && el('a', { class: 'button button-small', href: hrefFor('audit') }, t('list.clear')),
    ),
  );
}

function verifyByDialog() {
  const closed = new AbortController();
  const host = el('div', { class: 'verify-dialog' });
  openDialog({ title: t('audit.verify'), content: host, onClose: () => closed.abort() });
  loadInto(host, { load: () => verifyAudit(), draw: drawReport, signal: closed.signal, skeleton: rowsSkeleton(2) });
}

function drawReport(report) {
  return [
    el(
      'p',
      { class: `notice ${report.ok ? 'notice-success' : 'notice-error'}`, role: 'status' },
      t(report.ok ? 'audit.verify.ok' : 'audit.verify.broken', { sealed: formatNumber(report.sealed), count: formatNumber(report.problem_count) }),
    ),
    report.unsealed_before > 0 && el('p', { class: 'muted' }, t('audit.verify.before', { count: formatNumber(report.unsealed_before) })),
    report.problems.length > 0 &&
      el(
        'ul',
        { class: 'detail-list' },
        report.problems.map((one) => el('li', null, `${t('audit.col.seq')} ${one.seq}: ${t(`audit.problem.${one.problem}`)}`)),
      ),
    report.head && el('p', { class: 'mono audit-head' }, `${report.head.seq}:${report.head.seal}`),
    report.head && el('p', { class: 'muted' }, t('audit.verify.head')),
  ];
}

function drawEntries(pages, filter, loadPage) {
  if (pages.rows.length === 0) {
    return FIELDS.some((name) => filter[name])
      ? emptyBox(t('audit.emptyFilter'), t('audit.emptyFilter.detail'), el('a', { class: 'button', href: hrefFor('audit') }, icon('close'), t('list.clear')))
      : emptyBox(t('audit.empty'), t('audit.empty.detail'));
  }
  const table = dataTable({ caption: t('audit.caption'), columns: columns(), idOf: (entry) => String(entry.seq) });
  return pagedList({ pages, table, loadPage });
}

function columns() {
  return [
    { label: t('audit.col.seq'), class: 'number', cell: (entry) => String(entry.seq) },
    { label: t('audit.col.at'), class: 'time', cell: (entry) => timeText(entry.at, { dateStyle: 'medium', timeStyle: 'medium' }) },
    {
      label: t('audit.col.operator'),
      class: 'user',
      cell: (entry) => [userText(entry.operator), ' ', el('span', { class: 'muted' }, roleName(entry.role))],
    },
    { label: t('audit.col.action'), class: 'primary', cell: actionText },
    {
      label: t('audit.col.object'),
      class: 'object',
      cell: objectText,
      skipOnCard: (entry) => !entry.conversation_id && !entry.target_user,
    },
    {
      label: t('audit.col.reason'),
      class: 'reason',
      cell: (entry) => (entry.reason ? userText(entry.reason) : dash()),
      skipOnCard: (entry) => !entry.reason,
    },
    {
      label: t('audit.col.detail'),
      class: 'detail',
      cell: detailText,
      skipOnCard: (entry) => Object.keys(entry.detail ?? {}).length === 0,
    },
    {
      label: t('audit.col.request'),
      class: 'mono secondary request',
      cell: (entry) => [el('span', null, entry.network ?? ''), ' ', el('span', { class: 'muted' }, entry.request_id ?? '')],
    },
  ];
}

function actionText(entry) {
  const key = `audit.action.${entry.action}`;
  return hasMessage(key) ? [t(key), ' ', el('code', { class: 'muted' }, entry.action)] : el('code', null, entry.action);
}

function objectText(entry) {
  const parts = [
    entry.conversation_id &&
      el(
        'a',
        { class: 'mono', href: hrefForConversation(entry.conversation_id), title: entry.conversation_id },
        `${t('audit.conversation')} ${entry.conversation_id.slice(0, 8)}…`,
      ),
    entry.target_user &&
      el('a', { class: 'quiet-link', href: hrefFor('conversations', { user: entry.target_user }) }, userText(entry.target_user)),
  ].filter(Boolean);
  return parts.length > 0 ? parts.flatMap((part, index) => (index > 0 ? [', ', part] : [part])) : dash();
}

function detailText(entry) {
  const items = Object.entries(entry.detail ?? {});
  return items.length > 0
    ? el(
        'ul',
        { class: 'detail-list' },
        items.map(([name, value]) =>
          el(
            'li',
            null,
            el('span', { class: 'muted' }, `${name}: `),
            el('bdi', { dir: 'auto' }, withMarks(typeof value === 'string' ? value : JSON.stringify(value))),
          ),
        ),
      )
    : dash();
}
