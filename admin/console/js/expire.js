/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * Expiring conversations: count first (dry run), show the exact counts and the effect, have a large number typed, then do it with that
 * count as the condition; when the number has changed meanwhile the server refuses and the dialog shows the new counts. And the way back.
 */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, formatTime, t } from '../shared/i18n.js';
import { openDialog, toast } from '../shared/notify.js';
import { countExpiry, expire, restore } from './endpoints.js';
import { progressOf } from './jobs.js';
import { loadInto, rowsSkeleton } from './loading.js';
import { forget } from './memory.js';
import { whenFresh } from './reauthenticate.js';
import { tCount, timeText } from './words_for.js';

/** From this many conversations on the number must be typed. */
const TYPE_ABOVE = 20;

/**
 * Asks and expires.
 * @param {{ids: string[]}|{filter: Object}} target
 * @param {string[]|null} filterWords the filter in words when the target is a filter, else null
 * @param {function(): void} onDone called after conversations were expired or brought back
 */
export function expireByDialog(target, filterWords, onDone) {
  const closed = new AbortController();
  const host = el('div', { class: 'expire-dialog' });
  const dialog = openDialog({ title: t('expire.title'), content: host, onClose: () => closed.abort() });
  const ask = { target, filterWords, dialog, host, onDone, closed: closed.signal };
  loadInto(host, {
    load: () => countExpiry(target, closed.signal),
    draw: (counts) => question(ask, counts, null),
    signal: closed.signal,
    skeleton: el('div', null, el('p', { class: 'muted' }, t('expire.counting')), rowsSkeleton(3)),
  }).then(() => focusFirst(host));
}

/**
 * Brings conversations back from the trash and says so.
 * @param {string[]} ids
 * @param {function(): void} onDone
 */
export async function restoreByIds(ids, onDone) {
  try {
    const { conversations } = await restore(ids);
    forgetLists();
    toast({ text: tCount('restore.done', conversations), kind: 'success' });
    onDone();
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
  }
}

function question(ask, counts, notice) {
  if (counts.conversations === 0) {
    return [
      notice && el('p', { class: 'notice notice-warn', role: 'alert' }, notice),
      el('p', null, t(counts.held > 0 ? 'expire.allHeld' : 'expire.nothing')),
      actions(el('button', { class: 'button', type: 'button', onclick: () => ask.dialog.close('') }, t('console.close'))),
    ];
  }
  const form = el(
    'form',
    { class: 'expire-form', novalidate: true },
    notice && el('p', { class: 'notice notice-warn', role: 'alert' }, notice),
    el(
      'p',
      { class: 'expire-count' },
      t('expire.count', {
        conversations: tCount('expire.conversations', counts.conversations),
        messages: tCount('expire.messages', counts.messages),
      }),
    ),
    counts.held > 0 && el('p', { class: 'notice notice-info' }, tCount('expire.held', counts.held)),
    ask.filterWords && filterPart(ask.filterWords),
    effects(counts.purge_at),
  );
  const typed = counts.conversations > TYPE_ABOVE ? typedNumber(counts.conversations) : null;
  const problem = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
  const submit = el('button', { class: 'button button-danger', type: 'submit' }, tCount('expire.do', counts.conversations));
  form.append(
    ...[
      typed?.node,
      problem,
      actions(el('button', { class: 'button', type: 'button', onclick: () => ask.dialog.close('') }, t('console.cancel')), submit),
    ].filter(Boolean),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!typed || typed.check()) {
      run(ask, counts, { submit, problem });
    }
  });
  return form;
}

/* The number to be typed, else Cancel: never the button that destroys. */
function focusFirst(host) {
  host.querySelector('input, .dialog-actions .button')?.focus();
}

function effects(purgeAt) {
  const [before, after] = t('expire.effect.purgeAt').split('{time}');
  return el(
    'ul',
    { class: 'expire-effects' },
    el('li', null, t('expire.effect.now')),
    el('li', null, purgeAt ? [before, timeText(purgeAt), after] : t('expire.effect.grace')),
    el('li', null, t('expire.effect.audit')),
  );
}

function filterPart(words) {
  return words.length > 0
    ? el(
        'div',
        null,
        el('p', null, t('expire.filter')),
        el(
          'ul',
          { class: 'expire-filter' },
          words.map((word) => el('li', null, el('bdi', { dir: 'auto' }, word))),
        ),
      )
    : el('p', { class: 'notice notice-warn' }, t('expire.filter.everything'));
}

function typedNumber(count) {
  const input = el('input', {
    class: 'input',
    id: 'expire-typed',
    inputmode: 'numeric',
    autocomplete: 'off',
    aria: { describedby: 'expire-typed-problem' },
  });
  const problem = el('p', { class: 'field-problem', id: 'expire-typed-problem', role: 'alert' });
  return {
    node: el(
      'div',
      { class: 'field' },
      el('label', { for: 'expire-typed' }, t('expire.type', { count: formatNumber(count, { useGrouping: false }) })),
      input,
      problem,
    ),
    check: () => {
      /* Full-width digits and separators are the same number. */
      const right = input.value.normalize('NFKC').replace(/[\s,.]/gu, '') === String(count);
      problem.textContent = right ? '' : t('expire.type.mismatch', { count });
      input.setAttribute('aria-invalid', String(!right));
      if (!right) {
        input.focus();
      }
      return right;
    },
  };
}

async function run(ask, counts, { submit, problem }) {
  submit.disabled = true;
  problem.hidden = true;
  try {
    const done = await expire(ask.target, counts.conversations);
    if (done.job) {
      followJob(ask, done.job);
      return;
    }
    ask.dialog.close('');
    forgetLists();
    sayDone(ask, done);
    ask.onDone();
  } catch (error) {
    submit.disabled = false;
    if (error.code === 'reauthenticate') {
      whenFresh(() => run(ask, counts, { submit, problem }));
    } else if (error.code === 'count_changed' && Number.isInteger(error.body?.conversations)) {
      replaceChildren(ask.host, question(ask, error.body, t('expire.changed')));
      focusFirst(ask.host);
    } else {
      problem.hidden = false;
      problem.textContent = describeError(error);
    }
  }
}

/* Many: a job does it, and the dialog follows it as long as it is open. */
function followJob(ask, job) {
  const ended = () => {
    forgetLists();
    ask.onDone();
  };
  replaceChildren(
    ask.host,
    progressOf(job, { role: 'operator', signal: ask.closed, onEnd: ended }),
    el('p', { class: 'muted' }, t('jobs.background')),
    actions(el('button', { class: 'button', type: 'button', onclick: () => ask.dialog.close('') }, t('console.close'))),
  );
  focusFirst(ask.host);
}

function sayDone({ target, onDone }, done) {
  const text = tCount('expire.done', done.conversations, { time: formatTime(done.purge_at) });
  const undo = target.ids ? { label: t('console.undo'), onClick: () => restoreByIds(target.ids, onDone) } : null;
  toast({ text, kind: 'success', action: undo });
}

/* What these screens showed is no longer so. */
function forgetLists() {
  forget('conversations');
  forget('transcript');
  forget('home');
  forget('users');
}

function actions(...buttons) {
  return el('div', { class: 'dialog-actions' }, buttons);
}
