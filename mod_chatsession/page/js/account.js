/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Who is logged in, how the page looks and speaks, and the way out. */

import { api } from '../shared/api.js';
import { $, el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openDialog, toast } from '../shared/notify.js';
import { loginForm } from '../shared/login.js';
import { languageSwitch, themeSwitch, zoneSwitch } from '../shared/theme.js';
import { clearDrafts } from './drafts.js';
import { showOwnAccount } from './own-account.js';
import { showOwnData } from './own-data.js';
import { showShortcuts } from './shortcuts.js';

const CHANNEL = 'chatsession.logout';

/**
 * Fills the account button.
 * @param {{name: string}} user
 */
export function installAccount(user) {
  $('#account-name').textContent = user.name;
  $('#account').addEventListener('click', () => openAccount(user));
  listenForLogout();
}

/* Who has not logged in has no account: only the way to one. */
function openGuest() {
  const login = el('button', { class: 'button button-primary button-wide', type: 'button', dataset: { login: '' } }, icon('user'), t('account.login'));
  const dialog = openDialog({ title: t('account.title'), content: [el('p', null, t('account.guest')), themeSwitch(), languageSwitch(), zoneSwitch(), login], class: 'dialog-small' });
  login.addEventListener('click', () => {
    dialog.close('');
    const form = loginForm({ onSuccess: () => location.replace('./') });
    openDialog({ title: t('account.login'), content: form, class: 'dialog-small' });
    form.elements.username.focus();
  });
}

function openAccount(user) {
  if (user.role === 'guest') {
    openGuest();
    return;
  }
  const who = el('p', null, t('account.user', { name: isolate(user.name) }));
  const own = el('button', { class: 'button button-wide', type: 'button', dataset: { own: '' } }, icon('user'), t('own.open'));
  const data = el('button', { class: 'button button-wide', type: 'button', dataset: { data: '' } }, icon('download'), t('data.open'));
  const keys = el('button', { class: 'button button-wide', type: 'button' }, icon('help'), t('account.shortcuts'));
  const out = el('button', { class: 'button button-wide', type: 'button', dataset: { logout: '' } }, icon('logout'), t('account.logout'));
  const dialog = openDialog({ title: t('account.title'), content: [who, themeSwitch(), languageSwitch(), zoneSwitch(), own, data, keys, out], class: 'dialog-small' });
  own.addEventListener('click', () => {
    dialog.close('');
    showOwnAccount(user);
  });
  data.addEventListener('click', () => {
    dialog.close('');
    showOwnData();
  });
  keys.addEventListener('click', () => {
    dialog.close('');
    showShortcuts();
  });
  out.addEventListener('click', () => logOut(out));
}

async function logOut(button) {
  button.disabled = true;
  try {
    await api.post('api/logout');
  } catch (error) {
    if (error.status !== 401) {
      button.disabled = false;
      toast({ text: `${t('account.logout_failed')}: ${describeError(error)}`, kind: 'error' });
      return;
    }
  }
  tellOtherTabs();
  forget();
}

/* The texts leave the page before the next one comes, so that Back shows none of them. */
function forget() {
  clearDrafts();
  document.body.replaceChildren();
  document.title = t('page.name');
  location.replace('./');
}

function tellOtherTabs() {
  try {
    const channel = new BroadcastChannel(CHANNEL);
    channel.postMessage(location.pathname);
    channel.close();
  } catch {
    /* Other tabs find out with their next call. */
  }
}

function listenForLogout() {
  try {
    new BroadcastChannel(CHANNEL).addEventListener('message', (event) => {
      if (event.data === location.pathname) {
        forget();
      }
    });
  } catch {
    /* A browser without channels: the next call says that the session has ended. */
  }
}
