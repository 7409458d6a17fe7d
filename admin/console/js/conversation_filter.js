/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * The filter of the list of conversations: from the address bar, as a form, as the API wants it, and in words.
 */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { isDay, moments } from './days.js';
import { may } from './roles.js';
import { plainUserText } from './user_text.js';

const STATES = ['active', 'pinned', 'archived', 'expiring', 'trashed', 'held', 'all'];
const STATUSES = ['stopped', 'interrupted', 'error', 'streaming'];
/** What can be asked of feedback. */
export const FEEDBACKS = ['any', 'up', 'down', 'comment'];
/* Each with the direction that people mean. */
const SORTS = { updated: 'desc', created: 'desc', messages: 'desc', title: 'asc', user: 'asc' };
/* What a phone shows only together with "More", unless it is set. */
const RARE = ['from', 'to', 'sort', 'order'];
/* What stands behind "More"; in the order of the form. */
const MORE = ['tag', 'model', 'status', 'feedback', 'min_messages', 'max_messages'];

/**
 * @typedef {{user: string, from: string, to: string, state: string, q: string, tag: string, model: string, matter: string, status: string,
 *   feedback: string, min_messages: string, max_messages: string, sort: string, order: string, cols: string}} Filter all as typed; '' means "any"
 */

/**
 * The filter that the address bar names; what is not understood, or what the role may not use, is left out.
 * @param {URLSearchParams} params
 * @param {string} role
 * @returns {Filter}
 */
export function readFilter(params, role) {
  const get = (name) => (params.get(name) ?? '').trim();
  const day = (name) => (isDay(get(name)) ? get(name) : '');
  return {
    user: get('user'),
    from: day('from'),
    to: day('to'),
    state: STATES.includes(get('state')) ? get('state') : 'active',
    q: may(role, 'searchContent') ? get('q') : '',
    tag: get('tag'),
    model: get('model'),
    matter: get('matter'),
    status: oneOf(STATUSES, get('status')),
    feedback: oneOf(FEEDBACKS, get('feedback')),
    min_messages: number(get('min_messages')),
    max_messages: number(get('max_messages')),
    ...readOrder(get, role),
    cols: get('cols'),
  };
}

function oneOf(words, word) {
  return words.includes(word) ? word : '';
}

function number(text) {
  return /^\d{1,9}$/.test(text) ? text : '';
}

/* A title is content: who may not read it does not sort by it. */
function readOrder(get, role) {
  const asked = get('sort');
  const sort = asked in SORTS && (asked !== 'title' || may(role, 'readContent')) ? asked : 'updated';
  return { sort, order: oneOf(['asc', 'desc'], get('order')) || SORTS[sort] };
}

/** The orders that a role may choose, as the address bar has them. @param {string} role @returns {string[]} */
function sortsFor(role) {
  return Object.keys(SORTS).filter((sort) => sort !== 'title' || may(role, 'readContent'));
}

/**
 * The filter as the address bar shows it: what is the default is left out.
 * @param {Filter} filter
 * @returns {Object<string, string>}
 */
export function filterParams(filter) {
  return {
    ...filter,
    state: filter.state === 'active' ? '' : filter.state,
    sort: filter.sort === 'updated' ? '' : filter.sort,
    order: filter.order === SORTS[filter.sort] ? '' : filter.order,
  };
}

/**
 * The filter as the API takes it.
 * @param {Filter} filter
 * @returns {Object<string, string>} only what is set
 */
export function apiFilter(filter) {
  const query = {
    user: filter.user,
    ...moments(filter),
    q: filter.q,
    state: filter.state,
    tag: filter.tag,
    model: filter.model,
    matter: filter.matter,
    status: filter.status,
    feedback: filter.feedback,
    min_messages: filter.min_messages,
    max_messages: filter.max_messages,
  };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''));
}

/** Does the filter leave anything out, beyond the usual state? @param {Filter} filter @returns {boolean} */
export function isNarrowed(filter) {
  return Boolean(filter.user || filter.from || filter.to || filter.q || filter.matter || isNarrowedByMore(filter));
}

function isNarrowedByMore(filter) {
  return MORE.some((name) => filter[name]);
}

/**
 * The filter in words, one item per part.
 * @param {Filter} filter
 * @returns {string[]} empty when nothing is narrowed
 */
export function describeFilter(filter) {
  return ['user', 'from', 'to', 'q', ...MORE, 'matter'].filter((name) => filter[name]).map((name) => `${t(`list.${name}`)}: ${wordFor(name, filter[name])}`);
}

function wordFor(name, value) {
  return name === 'status' || name === 'feedback' ? t(`list.${name}.${value}`) : plainUserText(value);
}

/**
 * The filter as a form. Choices apply at once, typed text with Enter or the button.
 * @param {Filter} filter
 * @param {string} role
 * @param {function(Filter): void} onApply
 * @returns {HTMLFormElement}
 */
export function filterForm(filter, role, onApply) {
  const inputs = {
    q:
      may(role, 'searchContent') &&
      input('q', {
        type: 'search',
        value: filter.q,
        placeholder: t('list.q.placeholder'),
        maxlength: '200',
        dataset: { search: '' },
        aria: { describedby: 'filter-q-note' },
      }),
    user: input('user', {
      type: 'search',
      value: filter.user,
      placeholder: t('list.user.placeholder'),
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: '255',
      dataset: may(role, 'searchContent') ? {} : { search: '' },
    }),
    from: input('from', { type: 'date', value: filter.from }),
    to: input('to', { type: 'date', value: filter.to }),
    tag: input('tag', { type: 'search', value: filter.tag, maxlength: '50' }),
    model: input('model', { type: 'search', value: filter.model, maxlength: '200', autocapitalize: 'none', spellcheck: 'false' }),
    state: select('state', STATES, filter.state, false),
    sort: select('sort', sortsFor(role), filter.sort, false),
    order: select('order', ['desc', 'asc'], filter.order, false),
    status: select('status', STATUSES, filter.status, true),
    feedback: select('feedback', FEEDBACKS, filter.feedback, true),
    min_messages: input('min_messages', { type: 'number', min: '0', max: '999999999', value: filter.min_messages }),
    max_messages: input('max_messages', { type: 'number', min: '0', max: '999999999', value: filter.max_messages }),
  };
  const first = Object.entries(inputs).filter(([name, control]) => control && !MORE.includes(name));
  const form = el(
    'form',
    { class: 'filter-bar', role: 'search', aria: { label: t('list.filter') }, novalidate: true },
    first.map(([name, control]) => field(name, control, RARE.includes(name) && (isSet(filter, name) ? 'is-rare is-set' : 'is-rare'))),
    el(
      'div',
      { class: 'filter-actions' },
      el('button', { class: 'button button-small button-primary', type: 'submit' }, icon('search'), t('list.apply')),
      (isNarrowed(filter) || filter.state !== 'active') &&
        el(
          'button',
          { class: 'button button-small', type: 'button', onclick: () => onApply(readFilter(new URLSearchParams(), role)) },
          t('list.clear'),
        ),
    ),
    el(
      'details',
      { class: 'filter-more', open: isNarrowedByMore(filter) },
      el('summary', null, t('list.more')),
      el('div', { class: 'filter-more-fields' }, MORE.map((name) => field(name, inputs[name]))),
    ),
    inputs.q && el('p', { class: 'filter-note muted', id: 'filter-q-note' }, t('list.q.note')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit(inputs, filter, onApply);
  });
  for (const name of ['state', 'sort', 'order', 'status', 'feedback']) {
    inputs[name].addEventListener('change', () => {
      if (name === 'sort') inputs.order.value = SORTS[inputs.sort.value];
      submit(inputs, filter, onApply);
    });
  }
  return form;
}

function submit(inputs, before, onApply) {
  const value = (name) => (inputs[name] ? inputs[name].value.trim() : '');
  const words = Object.fromEntries(Object.keys(inputs).map((name) => [name, value(name)]));
  const filter = { ...words, matter: before.matter, cols: before.cols };
  const reversed = filter.from && filter.to && filter.from > filter.to;
  inputs.to.setCustomValidity(reversed ? t('list.range') : '');
  if (reversed) {
    inputs.to.addEventListener('input', () => inputs.to.setCustomValidity(''), { once: true });
    inputs.to.reportValidity();
  } else {
    onApply(filter);
  }
}

function input(name, props) {
  return el('input', { class: 'input input-small', id: `filter-${name}`, name, autocomplete: 'off', ...props });
}

function select(name, values, chosen, any) {
  const node = el(
    'select',
    { class: 'input input-small', id: `filter-${name}`, name },
    any && el('option', { value: '' }, t('list.any')),
    values.map((value) => el('option', { value }, t(`list.${name}.${value}`))),
  );
  node.value = chosen;
  return node;
}

function isSet(filter, name) {
  return name === 'sort' || name === 'order' ? Boolean(filterParams(filter)[name]) : Boolean(filter[name]);
}

function field(name, control, more = '') {
  return el('div', { class: ['field', `field-${name}`, more] }, el('label', { for: control.id }, t(`list.${name}`)), control);
}
