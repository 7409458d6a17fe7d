/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* How long conversations are kept: the rules in the order in which they count, the next run, and what runs did. */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { toast } from '../shared/notify.js';
import { getRetention, runRetention } from './endpoints.js';
import { roleName } from './entrance.js';
import { jobsInto } from './jobs.js';
import { emptyBox, loadInto } from './loading.js';
import { deleteRuleByDialog, editRuleByDialog } from './retention_dialogs.js';
import { may } from './roles.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { userText } from './user_text.js';
import { tCount, timeText } from './words_for.js';

/**
 * @param {HTMLElement} host
 * @param {{role: string, signal: AbortSignal}} context
 */
export function showRetention(host, context) {
  const rules = el('div', { class: 'list-host' });
  const runs = el('div', { class: 'list-host' });
  const manage = may(context.role, 'manageRetention');
  const reload = () => {
    loadInto(rules, {
      load: () => getRetention(context.signal),
      draw: (retention) => drawRules(retention, manage, reload),
      signal: context.signal,
    });
    jobsInto(runs, { kind: 'retention' }, context);
  };
  replaceChildren(
    host,
    screenHeader(
      t('nav.retention'),
      t('retention.lead'),
      may(context.role, 'expire') &&
        el('button', { class: 'button', type: 'button', onclick: () => run(reload) }, icon('refresh'), t('retention.run')),
      manage &&
        el(
          'button',
          { class: 'button button-primary', type: 'button', onclick: () => editRuleByDialog(null, reload) },
          icon('plus'),
          t('retention.new'),
        ),
    ),
    rules,
    el('h2', null, t('retention.runs')),
    runs,
  );
  reload();
}

async function run(onDone) {
  try {
    await runRetention();
    onDone();
  } catch (error) {
    toast({ text: error.code === 'nothing_to_run' ? t('retention.nothingToRun') : describeError(error), kind: 'error' });
  }
}

function drawRules({ rules, next_run_at: next }, manage, reload) {
  if (rules.length === 0) {
    return emptyBox(t('retention.empty'), t('retention.empty.detail'));
  }
  const table = dataTable({ caption: t('nav.retention'), columns: columns(manage, reload), idOf: (rule) => rule.id });
  table.addRows(rules);
  return [
    el('p', { class: 'muted retention-order' }, t('retention.order')),
    table.node,
    next && el('p', { class: 'muted retention-next' }, t('retention.next'), ' ', timeText(next)),
  ];
}

function columns(manage, reload) {
  return [
    { label: t('retention.subject'), class: 'primary', cell: (rule) => ruleSubject(rule) },
    { label: t('retention.keep'), cell: (rule) => keepText(rule) },
    { label: t('retention.pinned'), cell: (rule) => t(rule.pinned_too ? 'retention.pinned.go' : 'retention.pinned.stay') },
    { label: t('retention.changed'), class: 'time secondary', cell: (rule) => [timeText(rule.changed_at), ' ', userText(rule.changed_by)] },
    manage && {
      label: t('retention.actions'),
      class: 'actions',
      cell: (rule) => [
        el('button', { class: 'button button-small', type: 'button', onclick: () => editRuleByDialog(rule, reload) }, t('retention.edit')),
        el(
          'button',
          { class: 'button button-small button-quiet', type: 'button', onclick: () => deleteRuleByDialog(rule, reload) },
          t('retention.delete'),
        ),
      ],
    },
  ].filter(Boolean);
}

/**
 * Whom or what a rule is for.
 * @param {{subject: string, value: string|null}} rule
 * @returns {(Node|string)[]}
 */
export function ruleSubject(rule) {
  const value = rule.subject === 'role' ? roleName(rule.value) : rule.value && userText(rule.value);
  return [t(`retention.subject.${rule.subject}`), value && ': ', value].filter(Boolean);
}

/**
 * How long a rule keeps.
 * @param {{clock: string, keep_days: number|null}} rule
 * @returns {string}
 */
export function keepText(rule) {
  return rule.keep_days === null
    ? t('retention.forever')
    : tCount(`retention.days.${rule.clock}`, rule.keep_days, { days: formatNumber(rule.keep_days) });
}
