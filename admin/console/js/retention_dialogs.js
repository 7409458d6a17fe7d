/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* A rule is asked for, then what it would take is counted and shown, and only then it is saved with that count. */

import { el, replaceChildren } from '../shared/dom.js';
import { formatNumber, formatTime, t } from '../shared/i18n.js';
import { toast } from '../shared/notify.js';
import { changeRetention, previewRetention } from './endpoints.js';
import { roleName } from './entrance.js';
import { askByForm, choice, labelled } from './form_dialog.js';
import { forget } from './memory.js';
import { ROLES } from './roles.js';
import { tCount } from './words_for.js';

const SUBJECTS = ['everyone', 'role', 'model', 'user', 'tag'];

/**
 * @param {Object|null} rule the one to change; null for a new one
 * @param {function(): void} onDone
 */
export function editRuleByDialog(rule, onDone) {
  const form = ruleForm(rule);
  askByForm({
    title: t(rule ? 'retention.edit' : 'retention.new'),
    fields: form.fields,
    submitLabel: t('retention.preview'),
    check: form.check,
    send: () => previewRetention(form.value(), rule?.id ?? null),
    onDone: (counts) => confirmChange({ rule: form.value(), replaces: rule?.id ?? null }, counts, onDone),
  });
}

/**
 * @param {Object} rule
 * @param {function(): void} onDone
 */
export async function deleteRuleByDialog(rule, onDone) {
  const counts = await previewRetention(null, rule.id).catch(() => null);
  if (counts) {
    confirmChange({ rule: null, replaces: rule.id }, counts, onDone);
  }
}

/* The counts, and the button that saves with them. */
function confirmChange(change, counts, onDone) {
  const shown = el('div', { class: 'expire-dialog' });
  let current = counts;
  const show = (now, notice) => {
    current = now;
    replaceChildren(shown, notice && el('p', { class: 'notice notice-warn', role: 'alert' }, notice), effect(now));
  };
  show(counts, '');
  askByForm({
    title: t('retention.confirm'),
    fields: [shown],
    submitLabel: t(change.rule ? 'retention.save' : 'retention.delete'),
    danger: counts.conversations > 0 || !change.rule,
    send: () => changeRetention(change, current.conversations),
    onError: (error) => {
      if (error.code === 'count_changed') show(error.body, t('expire.changed'));
      return error.code === 'count_changed';
    },
    onDone: () => {
      forget('home');
      toast({ text: t('retention.saved'), kind: 'success' });
      onDone();
    },
  });
}

function effect(counts) {
  return [
    el(
      'p',
      { class: 'expire-count' },
      t('retention.effect', {
        conversations: tCount('expire.conversations', counts.conversations),
        messages: tCount('expire.messages', counts.messages),
      }),
    ),
    el(
      'ul',
      { class: 'expire-effects' },
      counts.now && el('li', null, t('retention.effect.now', { count: formatNumber(counts.now.conversations) })),
      counts.oldest_at && el('li', null, t('retention.effect.oldest', { time: formatTime(counts.oldest_at) })),
      counts.held > 0 && el('li', null, tCount('expire.held', counts.held)),
      el('li', null, t('retention.effect.later')),
    ),
  ];
}

function ruleForm(rule) {
  const subject = choice('rule-subject', SUBJECTS.map((name) => [name, t(`retention.subject.${name}`)]), rule?.subject ?? 'everyone');
  const value = el('input', { class: 'input', id: 'rule-value', maxlength: '200', autocomplete: 'off', value: rule?.subject === 'role' ? '' : (rule?.value ?? '') });
  const role = choice('rule-role', ROLES.map((name) => [name, roleName(name)]), rule?.subject === 'role' ? rule.value : 'user');
  const days = el('input', { class: 'input', id: 'rule-days', type: 'number', min: '1', max: '36500', value: String(rule ? (rule.keep_days ?? '') : 90) });
  const clock = choice('rule-clock', [['age', t('retention.clock.age')], ['idle', t('retention.clock.idle')]], rule?.clock ?? 'idle');
  const forever = el('input', { type: 'checkbox', id: 'rule-forever', checked: rule !== null && rule.keep_days === null });
  const pinned = el('input', { type: 'checkbox', id: 'rule-pinned', checked: Boolean(rule?.pinned_too) });
  const valueField = labelled(t('retention.value'), value);
  const roleField = labelled(t('retention.subject.role'), role);
  const show = () => {
    valueField.hidden = !['tag', 'user', 'model'].includes(subject.value);
    roleField.hidden = subject.value !== 'role';
    days.disabled = forever.checked;
    clock.disabled = forever.checked;
  };
  subject.addEventListener('change', show);
  forever.addEventListener('change', show);
  show();
  const number = () => Number(days.value);
  const needsValue = () => ['tag', 'user', 'model'].includes(subject.value);
  return {
    fields: [
      labelled(t('retention.subject'), subject, t('retention.order')),
      valueField,
      roleField,
      labelled(t('retention.daysLabel'), days),
      labelled(t('retention.clock'), clock),
      el('label', { class: 'check' }, forever, t('retention.forever')),
      el('label', { class: 'check' }, pinned, t('retention.pinnedToo')),
    ],
    check: () => {
      if (needsValue() && !value.value.trim()) return t('retention.value.needed');
      return forever.checked || (Number.isInteger(number()) && number() >= 1 && number() <= 36500) ? '' : t('retention.days.wrong');
    },
    value: () => ({
      subject: subject.value,
      ...(needsValue() ? { value: value.value.trim() } : subject.value === 'role' ? { value: role.value } : {}),
      clock: clock.value,
      keep_days: forever.checked ? null : number(),
      pinned_too: pinned.checked,
    }),
  };
}
