/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The start of the chat page: who is there, then the parts and how they are joined. */

import { api } from '../shared/api.js';
import { $, $$, el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { onLanguageChange, t, translate } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { enrolment } from '../shared/enrolment.js';
import { loginForm } from '../shared/login.js';
import { languageSwitch, themeSwitch } from '../shared/theme.js';
import './words.js';
import { installAccount } from './account.js';
import { Chat } from './chat.js';
import { ConversationActions } from './conversation-actions.js';
import { Drawer } from './drawer.js';
import { invitationForm, takeInvitation } from './invitation.js';
import { goOn, goOnOnce } from './next.js';
import { onImported } from './own-data.js';
import { watchSession } from './relogin.js';
import { loadModels } from './settings.js';
import { sharedChat, sharedId } from './shared-chat.js';
import { installShortcuts } from './shortcuts.js';
import { Sidebar } from './sidebar.js';

const AWAY_MS = 5000;
let session = null;

drawIcons();
api.onSecondFactorNeeded(() => location.reload());
translate(document);
start();

async function start() {
  const token = takeInvitation();
  if (token !== null) {
    showInvitation(token);
    return;
  }
  try {
    session = await api.get('api/session');
  } catch (error) {
    showFailure(error);
    return;
  }
  if (session.second_factor === 'needed') {
    showEnrolment();
  } else if (session.authenticated || session.guest) {
    if (!goOnOnce()) {
      showChat();
    }
  } else {
    showLogin();
  }
}

/* Whoever is logged in here goes on as the invited user. */
function showInvitation(token) {
  document.title = t('page.name');
  const form = invitationForm({ token, onDone: () => location.reload() });
  wayIn([el('h1', { class: 'way-in-title' }, t('invitation.title')), form]);
  form.elements.new.focus();
}

function showLogin() {
  document.title = t('page.name');
  const draw = () => {
    const form = loginForm({
      onSuccess: (next) => {
        session = next;
        stop();
        if (session.second_factor === 'needed') {
          showEnrolment();
        } else if (!goOn()) {
          showChat();
        }
      },
    });
    wayIn([el('h1', { class: 'way-in-title' }, t('page.name')), el('p', { class: 'way-in-intro' }, t('page.login_intro')), form, session.guests && guestWay()]);
    form.elements.username.focus();
  };
  const stop = onLanguageChange(() => {
    document.title = t('page.name');
    $('.way-in-title').textContent = t('page.name');
    $('.way-in-intro').textContent = t('page.login_intro');
  });
  draw();
}

/* Where the site lets visitors chat. */
function guestWay() {
  const button = el('button', { class: 'button button-quiet button-wide', type: 'button', dataset: { guest: '', i18n: 'page.guest' } }, t('page.guest'));
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      session = await api.post('api/guest');
      showChat();
    } catch (error) {
      showFailure(error);
    }
  });
  return button;
}

/* Nothing else is answered before; then it goes on as after a log-in. */
function showEnrolment() {
  const onDone = () => {
    if (!goOn()) {
      showChat();
    }
  };
  document.title = t('page.name');
  wayIn([el('h1', { class: 'way-in-title' }, t('factor.needed_title')), enrolment({ userName: session.user.name, lead: t('factor.needed'), onDone })]);
  $('#factor-password').focus();
}

function showFailure(error) {
  const again = el('button', { class: 'button button-primary', type: 'button', onclick: () => location.reload() }, t('page.retry'));
  wayIn([el('h1', { class: 'way-in-title' }, t('page.start_failed')), el('p', { role: 'alert' }, describeError(error)), again]);
  again.focus();
}

function wayIn(content) {
  $('#loading').hidden = true;
  $('#shell').hidden = true;
  const box = $('#way-in');
  box.hidden = false;
  box.replaceChildren(el('div', { class: 'card way-in-card' }, content), el('div', { class: 'way-in-choices' }, themeSwitch(), languageSwitch()));
}

function showChat() {
  if (sharedId(location.search) !== null) {
    showShared();
    return;
  }
  $('#loading').hidden = true;
  $('#way-in').hidden = true;
  $('#way-in').replaceChildren();
  $('#shell').hidden = false;
  const user = session.user ?? { name: t('page.guest_name'), role: 'guest' };
  const name = session.user?.name ?? '';
  watchSession(name);
  installAccount(user);
  join(name);
}

async function showShared() {
  const content = await sharedChat(sharedId(location.search));
  $('#loading').hidden = true;
  $('#shell').hidden = true;
  const box = $('#way-in');
  box.hidden = false;
  box.classList.add('way-in-wide');
  box.replaceChildren(content);
}

function join(userName) {
  const drawer = new Drawer();
  const actions = new ConversationActions({ onChange: (...infos) => onInfos(infos) });
  const sidebar = new Sidebar({
    actions,
    onOpen: (id, where) => {
      drawer.chosen();
      chat.open(id, where);
    },
  });
  const chat = new Chat({
    userName,
    modelName: session.model ?? '',
    actions,
    onChange: () => sidebar.refresh().then(() => takeTitle()),
    onAddress: (id, replace) => {
      sidebar.setCurrent(id);
      setAddress(id, replace);
    },
  });

  function onInfos(infos) {
    sidebar.put(...infos);
    const info = infos.find(({ id }) => id === chat.conversation?.id);
    if (info?.trashed_at) {
      chat.startNew();
    } else if (info) {
      chat.updateInfo(info);
    }
  }

  /* The server makes a new chat's title from its first words. */
  function takeTitle() {
    const info = chat.conversation && sidebar.item(chat.conversation.id);
    if (info) {
      chat.updateInfo(info);
    }
  }

  function fromAddress() {
    const id = new URLSearchParams(location.search).get('c');
    sidebar.setCurrent(id);
    if (id) {
      chat.open(id, { address: false });
    } else {
      chat.startNew({ address: false });
    }
  }

  const newChat = () => {
    drawer.chosen();
    chat.startNew();
  };
  $('#new-chat').addEventListener('click', newChat);
  $('#new-chat-small').addEventListener('click', newChat);
  window.addEventListener('popstate', fromAddress);
  onImported(() => sidebar.refresh());
  watchConnection();
  watchReturn(async () => {
    const before = chat.conversation?.info.updated_at;
    await sidebar.refresh();
    const info = chat.conversation && sidebar.item(chat.conversation.id);
    if (info && info.updated_at !== before && !chat.asking.running && !chat.asking.failed) {
      await chat.reload();
    }
  });
  installShortcuts({
    newChat,
    search: () => {
      if (!drawer.open) {
        drawer.set(true);
      }
      sidebar.focusSearch();
    },
    sidebar: () => drawer.toggle(),
    composer: () => chat.composer.focus(),
    stop: () => {
      const running = chat.asking.running && !chat.composer.composing;
      if (running) {
        chat.asking.stop();
      }
      return running;
    },
  });
  sidebar.load();
  fromAddress();
  loadModels(session.models).then((models) => chat.setModels(models));
}

function setAddress(id, replace) {
  const url = id ? `?c=${encodeURIComponent(id)}` : location.pathname;
  if (url !== (location.search || location.pathname)) {
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
  }
}

function watchConnection() {
  const note = $('#connection');
  const show = () => {
    note.hidden = navigator.onLine;
    note.textContent = navigator.onLine ? '' : t('connection.offline');
  };
  window.addEventListener('online', show);
  window.addEventListener('offline', show);
  onLanguageChange(show);
  show();
}

/** Calls fn when the reader comes back after a while: another tab may have gone on meanwhile. */
function watchReturn(fn) {
  let left = Date.now();
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      left = Date.now();
    } else if (Date.now() - left > AWAY_MS) {
      fn();
    }
  });
  /* A page from the back-forward cache may belong to a session that has ended. */
  window.addEventListener('pageshow', (event) => event.persisted && location.reload());
}

function drawIcons() {
  for (const node of $$('[data-icon]')) {
    node.prepend(icon(node.dataset.icon));
  }
}
