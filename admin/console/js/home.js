/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Home: the service's figures as cards. Refreshes itself while the page is in view; a refresh that fails leaves the old figures and says so. */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, formatTime, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { barChart } from './chart.js';
import { getOverview } from './endpoints.js';
import { cardsSkeleton, loadInto } from './loading.js';
import { keep, recall } from './memory.js';
import { may } from './roles.js';
import { hrefFor } from './router.js';
import { screenHeader } from './screen_header.js';
import { dash, sizeText, timeText } from './words_for.js';

const REFRESH_MS = 10000;

/* As the environment and the log call them, and as people do. */
const CAUSE_WORDS = {
  success: 'home.cause.success',
  new: 'home.cause.new',
  none: 'home.cause.none',
  skipped: 'home.cause.skipped',
  valid_cookie_but_no_store: 'home.cause.lost',
  'renew after InvalidSignature': 'home.cause.signature',
  'renew after SignatureExpired': 'home.cause.expired',
};

const BACKEND_BADGES = { closed: 'badge-success', open: 'badge-error', half_open: 'badge-warn' };

/**
 * @param {HTMLElement} host
 * @param {{role: string, restored: boolean, signal: AbortSignal}} context
 */
export function showHome(host, context) {
  const figures = el('div', { class: 'figures' });
  const draw = (overview) => [drawCards(overview, context.role), drawUpdated(overview.received, null)];
  replaceChildren(
    host,
    screenHeader(
      t('nav.home'),
      t('home.lead'),
      el(
        'button',
        { class: 'button button-small', type: 'button', onclick: () => refresh(figures, draw, context.signal) },
        icon('refresh'),
        t('home.refresh'),
      ),
    ),
    figures,
  );
  const before = context.restored ? recall('home', '') : null;
  if (before) {
    replaceChildren(figures, draw(before));
  } else {
    loadInto(figures, { load: () => fetchOverview(context.signal), draw, signal: context.signal, skeleton: cardsSkeleton() });
  }
  refreshWhileVisible(() => refresh(figures, draw, context.signal), context.signal);
}

async function fetchOverview(signal) {
  const overview = await getOverview(signal);
  overview.received = new Date().toISOString();
  keep('home', '', overview);
  return overview;
}

async function refresh(figures, draw, signal) {
  if (figures.hasAttribute('aria-busy') || signal.aborted) {
    return;
  }
  figures.setAttribute('aria-busy', 'true');
  try {
    const overview = await fetchOverview(signal);
    if (!signal.aborted) {
      replaceChildrenKeepingFocus(figures, draw(overview));
    }
  } catch (error) {
    const old = recall('home', '');
    if (!signal.aborted && error.name !== 'AbortError' && old) {
      figures.querySelector('.updated')?.replaceWith(drawUpdated(old.received, error));
    }
  } finally {
    figures.removeAttribute('aria-busy');
  }
}

/* The cards are drawn anew; the link that had the focus keeps it. */
function replaceChildrenKeepingFocus(figures, children) {
  const href = figures.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  const open = [...figures.querySelectorAll('details')].map((details) => details.open);
  replaceChildren(figures, children);
  [...figures.querySelectorAll('details')].forEach((details, index) => {
    details.open = open[index] ?? false;
  });
  if (href) {
    [...figures.querySelectorAll('a')].find((link) => link.getAttribute('href') === href)?.focus({ preventScroll: true });
  }
}

function refreshWhileVisible(fn, signal) {
  const timer = setInterval(() => document.visibilityState === 'visible' && fn(), REFRESH_MS);
  const onVisible = () => document.visibilityState === 'visible' && fn();
  document.addEventListener('visibilitychange', onVisible);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', onVisible);
  });
}

function drawCards(overview, role) {
  const { conversations } = overview;
  const all = conversations.active + conversations.trashed;
  const average = all > 0 ? formatNumber(overview.messages / all, { maximumFractionDigits: 1 }) : null;
  return [
    group(t('home.section.now'), [
      card(t('home.running'), ofLimit(overview.running, overview.limits.running), hostsNote(overview.hosts, 'running')),
      card(t('home.waiting'), ofLimit(overview.waiting, overview.limits.waiting), hostsNote(overview.hosts, 'waiting')),
      card(t('home.turnsLastHour'), formatNumber(overview.turns_last_hour)),
      card(t('home.tokens'), formatNumber(overview.tokens_today)),
      card(t('home.sessions'), formatNumber(overview.sessions), null, may(role, 'sessions') && hrefFor('sessions')),
    ]),
    overview.backends.length > 0 && group(t('home.section.backends'), overview.backends.map(backendCard)),
    el('section', { class: 'card-group' }, el('h2', null, t('home.section.day')), el('div', { class: 'charts' }, charts(overview))),
    group(t('home.section.keeping'), [
      card(t('home.nextRetention'), timeOrDash(overview.next_retention_at), lastRetention(overview.last_retention_at), hrefFor('retention')),
      card(t('home.matters'), formatNumber(overview.open_matters), null, may(role, 'readMatters') && hrefFor('holds')),
      card(t('home.jobs'), formatNumber(overview.running_jobs), null, hrefFor('jobs')),
    ]),
    group(t('home.section.kept'), [
      card(t('home.active'), formatNumber(conversations.active), null, hrefFor('conversations')),
      card(
        t('home.trashed'),
        formatNumber(conversations.trashed),
        purgeNote(overview.oldest_purge_at),
        hrefFor('conversations', { state: 'trashed' }),
      ),
      card(t('home.messages'), formatNumber(overview.messages), messagesNote(average, overview.counted_at)),
      card(t('home.users'), formatNumber(overview.users), null, hrefFor('users')),
      card(t('home.database'), sizeText(overview.database_bytes), growthNote(overview.growth)),
    ]),
    group(
      t('home.section.causes', { time: formatTime(overview.causes.since, { dateStyle: 'medium', timeStyle: 'short' }) }),
      Object.entries(CAUSE_WORDS).map(([cause, word]) => card(t(word), formatNumber(overview.causes.requests[cause]), cause)),
    ),
  ];
}

function ofLimit(count, limit) {
  return limit === null ? formatNumber(count) : t('home.ofLimit', { count: formatNumber(count), limit: formatNumber(limit) });
}

/* How a backend stands with this host, and what it has done: its trouble first. */
function backendCard(backend) {
  const [head, ...rest] = t(`home.backend.${backend.state}`).split('{seconds}');
  const state = rest.length > 0 ? `${head}${formatNumber(backend.retry_in ?? 0)}${rest.join('')}` : head;
  const figures = t('home.backend.figures', { requests: formatNumber(backend.requests), failed: formatNumber(backend.failed) });
  const first = backend.first_token_ms === null ? null : t('home.backend.first', { ms: formatNumber(backend.first_token_ms) });
  return card(
    backend.name,
    el('span', { class: `badge ${BACKEND_BADGES[backend.state]}` }, state),
    [figures, first].filter(Boolean).join(' · '),
  );
}

/* A mean, and when it is not of this moment, of which. */
function messagesNote(average, countedAt) {
  const mean = average && t('home.messages.note', { average });
  const counted = countedAt && t('home.counted', { time: formatTime(countedAt, { timeStyle: 'short' }) });
  return [mean, counted].filter(Boolean).join(' · ') || null;
}

/* Where they run, when that is more than one place. */
function hostsNote(hosts, what) {
  const busy = hosts.filter((host) => host[what] > 0);
  return busy.length > 1 ? busy.map((host) => `${host.host}: ${formatNumber(host[what])}`).join(' · ') : null;
}

function timeOrDash(at) {
  return at ? timeText(at, { dateStyle: 'medium', timeStyle: 'short' }) : dash();
}

function lastRetention(at) {
  const [before, after] = t('home.lastRetention').split('{time}');
  return at ? [before, timeText(at, { dateStyle: 'medium', timeStyle: 'short' }), after] : t('home.lastRetention.none');
}

function charts(overview) {
  const hour = (row) => formatTime(row.at, { hour: '2-digit', minute: '2-digit' });
  const day = (row) => formatTime(row.at, { month: 'short', day: 'numeric' });
  return [
    barChart({
      title: t('home.chart.turns'),
      head: [t('home.chart.hour'), t('home.chart.turns.column'), t('home.chart.failed')],
      bars: overview.hours.map((row) => ({ label: hour(row), time: row.at, value: row.turns, part: row.failed })),
    }),
    barChart({
      title: t('home.chart.tokens'),
      head: [t('home.chart.hour'), t('home.chart.tokens.column')],
      bars: overview.hours.map((row) => ({ label: hour(row), time: row.at, value: row.tokens })),
    }),
    overview.growth.length > 1 &&
      barChart({
        title: t('home.chart.growth'),
        head: [t('home.chart.day'), t('home.database')],
        bars: overview.growth.map((row) => ({ label: day(row), time: row.at, value: row.bytes })),
        format: (bytes) => sizeText(bytes).textContent,
      }),
  ];
}

/* How much a day, by the first and the last sample. */
function growthNote(growth) {
  const first = growth[0];
  const last = growth.at(-1);
  const days = first ? (Date.parse(last.at) - Date.parse(first.at)) / 86400000 : 0;
  return days > 0 ? t('home.growth', { size: sizeText(Math.max(0, (last.bytes - first.bytes) / days)).textContent }) : null;
}

function purgeNote(at) {
  if (!at) {
    return t('home.trashed.note.none');
  }
  const [before, after] = t('home.trashed.note').split('{time}');
  return [before, timeText(at, { dateStyle: 'medium' }), after];
}

function group(title, cards) {
  return el(
    'section',
    { class: 'card-group' },
    el('h2', null, title),
    el(
      'ul',
      { class: 'cards' },
      cards.map((node) => el('li', null, node)),
    ),
  );
}

function card(label, value, note = null, href = null) {
  const content = [
    el('span', { class: 'figure-label' }, label),
    el('span', { class: 'figure-value' }, value),
    note && el('span', { class: 'figure-note muted' }, note),
  ];
  return href ? el('a', { class: 'figure figure-link', href }, content) : el('div', { class: 'figure' }, content);
}

function drawUpdated(received, error) {
  const time = formatTime(received, { timeStyle: 'medium' });
  return error
    ? el('p', { class: 'updated notice notice-warn', role: 'status' }, t('home.stale', { time, detail: describeError(error) }))
    : el('p', { class: 'updated muted' }, t('home.updated', { time }));
}
