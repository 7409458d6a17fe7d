/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* One user: who it is, what can be done by whom, and the sessions. What a role may not do is not there. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { archiveUrl, getUser } from './endpoints.js';
import { roleName } from './entrance.js';
import { loadInto } from './loading.js';
import { forget } from './memory.js';
import { downloadWhenFresh } from './reauthenticate.js';
import { may } from './roles.js';
import { hrefFor } from './router.js';
import { screenHeader } from './screen_header.js';
import { sessionsTable } from './sessions.js';
import { conversationsLink, lastLogin, stateBadge } from './user_columns.js';
import { changeRoleByDialog, disableByDialog, enable, endSessionsByDialog, inviteByDialog, resetFactorByDialog, resetPasswordByDialog } from './user_dialogs.js';
import { changeLimitsByDialog, limitsText } from './user_limits.js';
import { eraseByDialog } from './user_erase.js';
import { userText } from './user_text.js';
import { timeText } from './words_for.js';

/**
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, signal: AbortSignal, role: string, user: {name: string}}} context
 */
export function showUser(host, context) {
  const name = context.params.get('name');
  const screen = { ...context, host, name, reload: () => !context.signal.aborted && showUser(host, context) };
  loadInto(host, {
    load: () => getUser(name, context.signal),
    draw: (shown) => drawUser(screen, shown),
    head: () => head(screen, null),
    signal: context.signal,
  });
}

function head(screen, shown) {
  return [
    el('a', { class: 'back-link', href: hrefFor('users') }, icon('chevronLeft'), t('user.back')),
    screenHeader(userText(shown?.name ?? screen.name), null, ...(shown ? actions(screen, shown) : [])),
  ];
}

function drawUser(screen, shown) {
  const own = shown.name === screen.user.name;
  return [
    head(screen, shown),
    own && may(screen.role, 'manageUsers') && el('p', { class: 'notice notice-info' }, t('user.own')),
    facts(shown),
    shown.sessions !== null && sessionsPart(screen, shown),
  ];
}

/* Nobody changes the own account; the rest by role. */
function actions(screen, shown) {
  const manages = may(screen.role, 'manageUsers') && shown.name !== screen.user.name;
  const done = () => {
    forget('users');
    forget('sessions');
    screen.reload();
  };
  return [
    manages && button('edit', t('user.role.change'), () => changeRoleByDialog(shown, done)),
    manages && !shown.disabled && button('send', t('user.invite.ask'), () => inviteByDialog(shown, done)),
    manages && button('refresh', t('user.password.reset'), () => resetPasswordByDialog(shown, done)),
    manages && shown.second_factor_at && button('refresh', t('user.factor.reset'), () => resetFactorByDialog(shown, done)),
    manages && shown.disabled && button('restore', t('user.enable'), () => enable(shown, done)),
    may(screen.role, 'manageUsers') && button('edit', t('user.limits.change'), () => changeLimitsByDialog(shown, done)),
    may(screen.role, 'manageUsers') && archiveLink(shown),
    manages && !shown.disabled && button('close', t('user.disable.ask'), () => disableByDialog(shown, done), 'button-danger'),
    manages && button('trash', t('user.erase.ask'), () => eraseByDialog(shown), 'button-danger'),
  ];
}

function archiveLink(shown) {
  return el('a', { class: 'button button-small', href: archiveUrl(shown.name), download: '', onclick: (event) => downloadWhenFresh(event) }, icon('download'), t('user.archive'));
}

function button(name, label, onclick, kind = '') {
  return el('button', { class: `button button-small ${kind}`, type: 'button', onclick }, icon(name), label);
}

function facts(shown) {
  const rows = [
    [t('users.col.role'), `${roleName(shown.role)}: ${t(`role.${shown.role}.may`)}`],
    [t('users.col.state'), stateBadge(shown)],
    [t('users.col.conversations'), conversationsLink(shown)],
    [t('users.col.lastLogin'), lastLogin(shown)],
    [t('users.col.created'), timeText(shown.created_at)],
    [t('user.limits'), limitsText(shown)],
    [t('user.factor'), shown.second_factor_at ? timeText(shown.second_factor_at) : t('console.none')],
  ];
  return el(
    'dl',
    { class: 'facts user-facts' },
    rows.map(([label, value]) => el('div', null, el('dt', null, label), el('dd', null, value))),
  );
}

function sessionsPart(screen, shown) {
  const { sessions } = shown;
  const done = () => {
    forget('sessions');
    screen.reload();
  };
  const all = sessions.length > 0 && button('logout', t('user.sessions.ask'), () => endSessionsByDialog(shown, done));
  return el(
    'section',
    { class: 'user-sessions', aria: { labelledby: 'user-sessions' } },
    el('header', { class: 'section-header' }, el('h2', { id: 'user-sessions' }, t('user.sessions')), all),
    sessions.length > 0 ? sessionsTable(sessions, done) : el('p', { class: 'muted' }, t('user.sessions.none')),
  );
}
