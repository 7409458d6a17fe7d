/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* How a conversation's model is asked: which one, what it is told first, and its parameters. What the server does not know is not shown. */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, t } from '../shared/i18n.js';
import { openDialog } from '../shared/notify.js';

const SYSTEM_LIMIT = 16000;
const PARAMS = [
  { name: 'temperature', min: 0, max: 2, step: 0.1 },
  { name: 'top_p', min: 0, max: 1, step: 0.05 },
  { name: 'max_tokens', min: 1, max: 1000000, step: 1 },
];

defineMessages({
  en: {
    'settings.open': 'Settings of this chat',
    'settings.title': 'Settings of this chat',
    'settings.model': 'Model',
    'settings.model_default': '{name} (default)',
    'settings.system': 'What the model is told before everything',
    'settings.temperature': 'Temperature (0 to 2)',
    'settings.top_p': 'Top p (0 to 1)',
    'settings.max_tokens': 'Tokens of an answer at most',
    'settings.empty': 'An empty field leaves it to the model.',
    'settings.save': 'Save',
  },
  ja: {
    'settings.open': 'このチャットの設定',
    'settings.title': 'このチャットの設定',
    'settings.model': 'モデル',
    'settings.model_default': '{name}（既定）',
    'settings.system': '最初にモデルへ伝えること',
    'settings.temperature': '温度（0～2）',
    'settings.top_p': 'Top p（0～1）',
    'settings.max_tokens': '回答のトークン数の上限',
    'settings.empty': '空欄の項目はモデルに任せます。',
    'settings.save': '保存',
  },
});

/**
 * The models to choose from; none where there is no choice or the server does not offer one.
 * @param {string[]} names the session's
 * @returns {Promise<{name: string, default: boolean}[]>}
 */
export async function loadModels(names) {
  if ((names ?? []).length < 2) {
    return [];
  }
  try {
    return (await api.get('api/models')).models ?? [];
  } catch {
    return [];
  }
}

/**
 * Asks for new settings.
 * @param {Object} settings the present ones: model, system, params
 * @param {{name: string, default: boolean}[]} models
 * @param {function(Object): Promise<void>} onSave gets what has changed; the dialog stays open when it rejects
 */
export function showSettings(settings, models, onSave) {
  const choice = models.length > 1 ? modelChoice(models, settings.model) : null;
  const system = el('textarea', { class: 'input', id: 'settings-system', rows: '5', maxlength: String(SYSTEM_LIMIT), dir: 'auto', value: settings.system ?? '' });
  const params = PARAMS.map((param) => ({ ...param, input: el('input', { class: 'input', type: 'number', id: `settings-${param.name}`, min: String(param.min), max: String(param.max), step: String(param.step), value: String(settings.params?.[param.name] ?? '') }) }));
  const problem = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
  const form = el('form', { class: 'login-form' },
    choice && field('settings.model', choice),
    field('settings.system', system),
    params.map(({ name, input }) => field(`settings.${name}`, input)),
    el('p', { class: 'own-note' }, t('settings.empty')),
    problem,
    el('div', { class: 'dialog-actions' }, el('button', { class: 'button button-primary', type: 'submit' }, t('settings.save'))));
  const dialog = openDialog({ title: t('settings.title'), content: form, class: 'own-account' });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await onSave({ ...(choice ? { model: choice.value || null } : {}), system: system.value.trim() || null, params: paramsOf(settings.params, params) });
      dialog.close('');
    } catch (error) {
      problem.hidden = false;
      problem.textContent = error.detail || describeError(error);
    }
  });
}

/* Parameters that have no field here stay as they are. */
function paramsOf(present, params) {
  const next = { ...present };
  for (const { name, input } of params) {
    if (input.value === '') {
      delete next[name];
    } else {
      next[name] = Number(input.value);
    }
  }
  return Object.keys(next).length > 0 ? next : null;
}

function modelChoice(models, chosen) {
  const options = models.map((model) => el('option', { value: model.default ? '' : model.name }, model.default ? t('settings.model_default', { name: model.name }) : model.name));
  const select = el('select', { class: 'input', id: 'settings-model' }, options);
  select.value = models.some((model) => model.name === chosen && !model.default) ? chosen : '';
  return select;
}

function field(key, control) {
  return el('div', { class: 'field' }, el('label', { for: control.id }, t(key)), control);
}
