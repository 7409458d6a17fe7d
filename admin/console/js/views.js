/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Saved views: the list's address under a name. One's own can be replaced and deleted; those of others, which they share, can be used. */

import { el, replaceChildren } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { toast } from '../shared/notify.js';
import { describeError } from '../shared/errors.js';
import { deleteView, listViews, saveView } from './endpoints.js';
import { askByForm, labelled } from './form_dialog.js';
import { may } from './roles.js';
import { plainUserText, userText } from './user_text.js';

/**
 * @param {{role: string, query: string, signal: AbortSignal}} context query is the present list's, as its address has it
 * @returns {HTMLElement} empty until the views are there
 */
export function viewBar(context) {
  const bar = el('div', { class: 'view-bar', role: 'group', aria: { label: t('views.title') } });
  refresh(bar, context);
  return bar;
}

async function refresh(bar, context) {
  let views = [];
  try {
    ({ views } = await listViews(context.signal));
  } catch (error) {
    if (error.name === 'AbortError') return;
    /* The list itself works without them. */
  }
  const reload = () => refresh(bar, context);
  replaceChildren(
    bar,
    views.length > 0 && el('ul', { class: 'chips', aria: { label: t('views.title') } }, views.map((view) => el('li', null, viewChip(view, context, reload)))),
    may(context.role, 'saveViews') &&
      el('button', { class: 'button button-small', type: 'button', onclick: () => saveByDialog(context, reload) }, icon('plus'), t('views.save')),
  );
}

function viewChip(view, { query, role }, reload) {
  const here = view.query === query;
  return [
    el(
      'a',
      {
        class: 'badge',
        href: view.query ? `?view=conversations&${view.query}` : '?view=conversations',
        title: view.own ? null : t('views.of', { name: plainUserText(view.user) }),
        aria: { current: here ? 'page' : null },
      },
      userText(view.name),
      view.shared && el('span', { class: 'visually-hidden' }, ` (${t('views.shared')})`),
    ),
    view.own &&
      here &&
      may(role, 'saveViews') &&
      el(
        'button',
        { class: 'button button-small button-quiet', type: 'button', aria: { label: t('views.delete', { name: plainUserText(view.name) }) }, onclick: () => remove(view, reload) },
        icon('trash'),
      ),
  ];
}

async function remove(view, reload) {
  try {
    await deleteView(view.id);
    const undo = { label: t('console.undo'), onClick: () => saveView({ name: view.name, query: view.query, shared: view.shared }).then(reload) };
    toast({ text: t('views.deleted', { name: plainUserText(view.name) }), kind: 'success', action: undo });
    reload();
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
  }
}

function saveByDialog({ query }, reload) {
  const name = el('input', { class: 'input', id: 'view-name', maxlength: '100', required: true, autocomplete: 'off' });
  const shared = el('input', { type: 'checkbox', id: 'view-shared' });
  askByForm({
    title: t('views.save.title'),
    fields: [
      labelled(t('views.name'), name, t('views.name.note')),
      el('label', { class: 'check' }, shared, ' ', t('views.share')),
    ],
    submitLabel: t('views.save.do'),
    check: () => (name.value.trim() ? '' : t('views.name.missing')),
    send: () => saveView({ name: name.value.trim(), query, shared: shared.checked }),
    onDone: () => {
      toast({ text: t('views.saved'), kind: 'success' });
      reload();
    },
  });
}
