/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What users said of answers, over all of them, newest first; from each to the answer it is about. */

import { el, replaceChildren } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { FEEDBACKS } from './conversation_filter.js';
import { isDay, moments } from './days.js';
import { listFeedback } from './endpoints.js';
import { exportLink } from './export_link.js';
import { choice } from './form_dialog.js';
import { emptyBox, loadInto } from './loading.js';
import { keep, recall } from './memory.js';
import { pagedList } from './paged_list.js';
import { may } from './roles.js';
import { hrefFor, hrefForConversation, navigate } from './router.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { userText, withMarks } from './user_text.js';
import { dash, timeText } from './words_for.js';

const PAGE_SIZE = 50;
const FIELDS = ['user', 'feedback', 'model', 'from', 'to'];

/**
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, role: string, restored: boolean, signal: AbortSignal}} context
 */
export function showFeedback(host, { params, role, restored, signal }) {
  const list = el('div', { class: 'list-host' });
  const filter = readFilter(params);
  const key = JSON.stringify(filter);
  const loadPage = async (after) => {
    const page = await listFeedback({ ...apiFilter(filter), after, limit: PAGE_SIZE }, signal);
    return { rows: page.feedback, next: page.next };
  };
  const draw = (pages) => {
    keep('feedback', key, pages);
    return drawList(pages, filter, loadPage);
  };
  replaceChildren(
    host,
    screenHeader(t('nav.feedback'), t('feedback.lead'), may(role, 'export') && exportLink({ filter: conversationFilter(filter) }, t('feedback.export'))),
    filterForm(filter),
    list,
  );
  const before = restored ? recall('feedback', key) : null;
  if (before) {
    replaceChildren(list, draw(before));
  } else {
    loadInto(list, { load: () => loadPage(null), draw, signal });
  }
}

function readFilter(params) {
  const get = (name) => (params.get(name) ?? '').trim();
  const day = (name) => (isDay(get(name)) ? get(name) : '');
  return { feedback: FEEDBACKS.includes(get('feedback')) ? get('feedback') : 'any', user: get('user'), model: get('model'), from: day('from'), to: day('to') };
}

function apiFilter(filter) {
  return Object.fromEntries(Object.entries({ ...filter, ...moments(filter) }).filter(([, value]) => value !== ''));
}

/* The conversations that have such feedback. Their filter knows other times: when they were changed, not when feedback was given. */
function conversationFilter({ feedback, user, model }) {
  return { feedback, ...(user && { user }), ...(model && { model }), state: 'all' };
}

function isNarrowed(filter) {
  return filter.feedback !== 'any' || FIELDS.some((name) => name !== 'feedback' && filter[name]);
}

function filterForm(filter) {
  const control = (name) =>
    name === 'feedback'
      ? choice('feedback-feedback', FEEDBACKS.map((word) => [word, t(`list.feedback.${word}`)]), filter.feedback)
      : el('input', { id: `feedback-${name}`, type: name === 'from' || name === 'to' ? 'date' : 'search', value: filter[name], autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
  const inputs = Object.fromEntries(FIELDS.map((name) => [name, control(name)]));
  const apply = () => {
    const wanted = Object.fromEntries(FIELDS.map((name) => [name, inputs[name].value.trim()]));
    navigate(hrefFor('feedback', { ...wanted, feedback: wanted.feedback === 'any' ? '' : wanted.feedback }));
  };
  for (const input of Object.values(inputs)) {
    input.classList.add('input', 'input-small');
  }
  inputs.user.dataset.search = '';
  inputs.feedback.addEventListener('change', apply);
  return el(
    'form',
    { class: 'filter-bar', role: 'search', aria: { label: t('list.filter') }, onsubmit: (event) => { event.preventDefault(); apply(); } },
    FIELDS.map((name) => el('div', { class: `field field-${name}` }, el('label', { for: inputs[name].id }, t(`list.${name}`)), inputs[name])),
    el(
      'div',
      { class: 'filter-actions' },
      el('button', { class: 'button button-small button-primary', type: 'submit' }, icon('search'), t('list.apply')),
      isNarrowed(filter) && el('a', { class: 'button button-small', href: hrefFor('feedback') }, t('list.clear')),
    ),
    el('p', { class: 'filter-note muted' }, t('feedback.note')),
  );
}

function drawList(pages, filter, loadPage) {
  if (pages.rows.length === 0) {
    return isNarrowed(filter)
      ? emptyBox(t('feedback.emptyFilter'), t('list.emptyFilter.detail'), el('a', { class: 'button', href: hrefFor('feedback') }, icon('close'), t('list.clear')))
      : emptyBox(t('feedback.empty'), t('feedback.empty.detail'));
  }
  const table = dataTable({ caption: t('nav.feedback'), columns: columns(), idOf: (row) => row.message_id });
  return pagedList({ pages, table, loadPage });
}

function columns() {
  return [
    { label: t('feedback.col.rating'), class: 'brief', cell: ratingText },
    { label: t('feedback.col.about'), class: 'primary', cell: aboutText },
    { label: t('feedback.col.comment'), class: 'reason', cell: commentText, skipOnCard: (row) => !row.comment && !row.form },
    {
      label: t('list.col.user'),
      class: 'user',
      cell: (row) => el('a', { class: 'quiet-link', href: hrefFor('feedback', { user: row.user }) }, userText(row.user)),
    },
    { label: t('message.model'), class: 'models secondary', cell: (row) => (row.model ? userText(row.model) : dash()), skipOnCard: (row) => !row.model },
    { label: t('feedback.col.at'), class: 'time', cell: (row) => timeText(row.at) },
  ];
}

function ratingText({ rating }) {
  const word = rating < 0 ? 'down' : 'up';
  return el('span', { class: `feedback feedback-${word}` }, icon(word === 'down' ? 'thumbDown' : 'thumbUp'), t(`message.feedback.${word}`));
}

function aboutText(row) {
  return [
    el(
      'a',
      { class: 'title-link', href: hrefForConversation(row.conversation_id, row.message_id) },
      row.title ? userText(row.title) : el('span', { class: 'muted' }, t('console.untitled')),
    ),
    row.trashed && [' ', el('span', { class: 'badge badge-warn' }, t('list.state.trashed'))],
    row.question && el('p', { class: 'snippet muted' }, el('bdi', { dir: 'auto' }, withMarks(row.question))),
    row.answer && el('p', { class: 'snippet' }, el('bdi', { dir: 'auto' }, withMarks(row.answer))),
  ];
}

/* A form of a page says more than a comment: each of its members. */
function commentText({ comment, form }) {
  const more = Object.entries(form ?? {});
  return comment || more.length > 0
    ? [
        comment && userText(comment, { class: 'feedback-words' }),
        more.length > 0 &&
          el(
            'ul',
            { class: 'detail-list' },
            more.map(([name, value]) => el('li', null, el('span', { class: 'muted' }, userText(name), ': '), userText(typeof value === 'string' ? value : JSON.stringify(value)))),
          ),
      ]
    : dash();
}
