/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The conversation on the page: opening, starting anew, showing the branch, and what may be done with it. */

import { api } from '../shared/api.js';
import { copyText } from '../shared/clipboard.js';
import { $, el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { isolate, onLanguageChange, t } from '../shared/i18n.js';
import { announce, toast } from '../shared/notify.js';
import { Asking } from './asking.js';
import { Composer } from './composer.js';
import { Conversation } from './conversation.js';
import { rateAnswer } from './feedback.js';
import { messageEditor } from './message-editor.js';
import { failureCard } from './message-view.js';
import { readPlace, writePlace } from './places.js';
import { drawRetention, isTemporary, trashWords } from './retention.js';
import { showSettings } from './settings.js';
import { showSharing } from './sharing.js';
import { Transcript, greeting } from './transcript.js';

/** The chat pane. */
export class Chat {
  #userName;
  #onChange;
  #onAddress;
  #actions;
  #opening = 0;
  #models = [];
  #newSettings = {};
  #modelName;

  /**
   * @param {{userName: string, modelName: string, actions: import('./conversation-actions.js').ConversationActions, onChange: function(Object): void,
   *   onAddress: function(string|null, boolean): void}} options onChange: a conversation got a message or an answer; modelName: the one that answers
   *   where none is chosen; onAddress: another conversation is shown (replace: in place of the last)
   */
  constructor({ userName, modelName, actions, onChange, onAddress }) {
    this.#userName = userName;
    this.#modelName = modelName;
    this.#actions = actions;
    this.#onChange = onChange;
    this.#onAddress = onAddress;
    this.conversation = null;
    this.transcript = new Transcript($('#transcript'), $('#jump'), (name, view, button) => this.#onAction(name, view, button));
    this.composer = new Composer({ onSend: (text) => this.asking.send(text), onStop: () => this.asking.stop() });
    this.asking = new Asking(this);
    $('#chat-settings').addEventListener('click', () => this.#openSettings());
    $('#chat-temporary').addEventListener('click', () => {
      this.#newSettings = { ...this.#newSettings, temporary: !this.#newSettings.temporary };
      this.#drawHead();
    });
    $('#chat-menu').addEventListener('click', (event) => this.#actions.openMenu(event.currentTarget, this.conversation.info, $('#chat-title'), this.#sharing()));
    onLanguageChange(() => this.#redraw());
    window.addEventListener('pagehide', () => this.#keepPlace());
  }

  /** What can be chosen from. @param {{name: string, default: boolean}[]} models */
  setModels(models) {
    this.#models = models;
    this.#drawHead();
  }

  /** Settings that a new chat is made with. @returns {Object} */
  get newSettings() {
    return this.#newSettings;
  }

  /** Starts a new chat; nothing is made on the server before the first message. @param {{address?: boolean}} [options] */
  startNew({ address = true } = {}) {
    this.#keepPlace();
    this.asking.leave();
    this.#opening += 1;
    this.conversation = null;
    this.#newSettings = {};
    this.transcript.clear(greeting(this.#userName));
    this.composer.useDraft(null);
    this.#drawHead();
    this.updateNote();
    if (address) {
      this.#onAddress(null, false);
    }
    this.composer.focus();
  }

  /**
   * Opens a conversation.
   * @param {string} id
   * @param {{find?: string, messageId?: string|null, address?: boolean}} [options] find: show where this text stands, in this message
   */
  async open(id, { find = '', messageId = null, address = true } = {}) {
    if (this.conversation?.id === id) {
      this.#find(find, messageId);
      return;
    }
    this.#keepPlace();
    this.asking.leave();
    this.conversation = null;
    const opening = this.#opening += 1;
    this.#drawHead();
    this.transcript.clear(el('p', { class: 'waiting' }, el('span', { class: 'dots' }, el('span'), el('span'), el('span'))));
    if (address) {
      this.#onAddress(id, false);
    }
    try {
      const data = await api.get(`api/conversations/${encodeURIComponent(id)}`);
      if (opening === this.#opening) {
        this.#take(data, find, messageId);
      }
    } catch (error) {
      if (opening === this.#opening) {
        this.#openFailed(id, error);
      }
    }
  }

  /** Reads the open conversation again. @returns {Promise<boolean>} whether that worked */
  async reload() {
    const { conversation } = this;
    try {
      const data = await api.get(`api/conversations/${conversation.id}`);
      if (this.conversation === conversation && !this.asking.running) {
        conversation.update(data);
        this.show();
        this.#followRunning();
      }
      return true;
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
      return false;
    }
  }

  /** A new chat has become a conversation on the server. @param {Conversation} conversation */
  adopt(conversation) {
    this.conversation = conversation;
    this.composer.moveDraft(conversation.id);
    this.#onAddress(conversation.id, false);
    this.#drawHead();
  }

  /** A conversation got a message or an answer. @param {Conversation} conversation */
  changed(conversation) {
    this.#onChange(conversation.info);
  }

  /** The open conversation's title, pin or place has changed, here or in the list. @param {Object} info */
  updateInfo(info) {
    if (this.conversation?.id === info.id) {
      this.conversation.update(info);
      this.#drawHead();
      this.updateNote();
    }
  }

  /** Draws the shown branch. */
  show() {
    const { conversation } = this;
    const path = conversation?.path() ?? [];
    if (path.length === 0) {
      this.transcript.clear(greeting(this.#userName));
    } else {
      this.transcript.show(path, (id) => conversation.siblings(id));
    }
    this.#drawHead();
    this.updateNote();
  }

  /** Says in the composer why nothing can be sent, or where it would go, if that is not plain. */
  updateNote() {
    const { conversation } = this;
    if (this.asking.failed) {
      this.composer.setNote({ text: () => t('send.failed'), label: () => t('send.edit'), onClick: () => this.asking.giveBack(), blocks: true });
    } else if (conversation?.info.trashed_at) {
      this.composer.setNote({ text: () => trashWords(conversation.info), label: () => t('trash.restore'), onClick: () => this.#actions.restore(conversation.info), blocks: true });
    } else if (conversation && !this.asking.running && !conversation.showsNewest()) {
      this.composer.setNote({ text: () => t('composer.older_branch'), label: () => t('composer.show_newest'), onClick: () => this.#showNewest() });
    } else {
      this.composer.setNote(null);
    }
  }

  /** Opens the editor of a message. @param {Object} message @param {string} [text] what stands in it */
  edit(message, text = message.content) {
    const view = this.transcript.view(message.id);
    if (!view || this.asking.busy) {
      return;
    }
    const end = () => {
      view.endEdit();
      view.element.querySelector('[data-action="edit"]')?.focus({ preventScroll: true });
    };
    view.edit(messageEditor(text, {
      onCancel: end,
      onSend: (changed) => {
        if (this.asking.busy) {
          toast({ text: t('composer.running') });
        } else if (changed === message.content) {
          end();
        } else {
          view.endEdit();
          this.asking.edit(view.message, changed);
        }
      },
    }));
  }

  #take(data, find, messageId) {
    this.conversation = new Conversation(data);
    this.composer.useDraft(this.conversation.id);
    this.show();
    this.#followRunning();
    announce(t('chat.opened', { title: isolate(this.#title()) }));
    if (find === '') {
      this.transcript.goTo(readPlace(this.conversation.id));
      this.composer.focus();
    } else {
      this.#find(find, messageId);
    }
  }

  #keepPlace() {
    if (this.conversation) {
      writePlace(this.conversation.id, this.transcript.place());
    }
  }

  #followRunning() {
    const running = this.conversation.streaming();
    if (running !== null && !this.asking.running) {
      this.conversation.chooseBranchOf(running.id);
      this.show();
      this.asking.follow(running);
    }
  }

  #openFailed(id, error) {
    const again = el('button', { class: 'button button-small', type: 'button', onclick: () => this.open(id, { address: false }) }, t('page.retry'));
    const fresh = el('button', { class: 'button button-small', type: 'button', onclick: () => this.startNew() }, t('chat.new_instead'));
    this.transcript.clear(failureCard(t('chat.open_failed'), describeError(error), error.status === 404 ? [fresh] : [again, fresh]));
  }

  #find(text, messageId) {
    if (this.conversation.message(messageId) && !this.asking.busy) {
      this.conversation.chooseBranchOf(messageId);
      this.show();
      this.transcript.reveal(messageId, text);
    }
  }

  #showNewest() {
    this.conversation.chooseNewest();
    this.show();
    this.composer.focus();
  }

  async #onAction(name, view, button) {
    if (name === 'copy') {
      const copied = await copyText(view.text);
      toast(copied ? { text: t('message.copied'), timeout: 2000 } : { text: t('message.copy_failed'), kind: 'error' });
    } else if (['regenerate', 'edit', 'continue'].includes(name) && this.#whyNot() !== '') {
      toast({ text: t(this.#whyNot()) });
    } else if (name === 'regenerate') {
      this.asking.regenerate(view.message);
    } else if (name === 'edit') {
      this.edit(view.message);
    } else if (name === 'continue') {
      this.asking.send(t('message.go_on'));
    } else if (name === 'rate') {
      await this.#rate(view, Number(button.dataset.rating));
    } else if (name === 'version' && button.dataset.to) {
      this.#chooseVersion(button);
    }
  }

  /* Why no turn can begin now, as the key of the words; '' when one can. */
  #whyNot() {
    if (this.asking.busy) {
      return this.asking.failed ? 'send.failed' : 'composer.running';
    }
    return this.conversation.info.trashed_at ? 'trash.note' : '';
  }

  async #rate(view, rating) {
    const { conversation } = this;
    const feedback = await rateAnswer(view.message, rating);
    if (feedback !== undefined) {
      conversation.merge([{ id: view.message.id, feedback }]);
      view.update(conversation.message(view.message.id));
      view.element.querySelector(`[data-rating="${rating}"]`)?.focus({ preventScroll: true });
    }
  }

  #chooseVersion(button) {
    const { to } = button.dataset;
    if (this.asking.running) {
      return;
    }
    const label = button.getAttribute('aria-label');
    this.conversation.choose(to);
    this.show();
    const { element } = this.transcript.view(to);
    const others = [...element.querySelectorAll('[data-action="version"]:enabled')];
    (others.find((other) => other.getAttribute('aria-label') === label) ?? others[0] ?? element).focus({ preventScroll: true });
  }

  #title() {
    return this.conversation?.info.title || t(isTemporary(this.conversation?.info) ? 'temporary.start' : 'chat.untitled');
  }

  #drawHead() {
    const heading = $('#chat-title');
    if (!heading.querySelector('input')) {
      heading.textContent = this.#title();
    }
    drawRetention($('#chat-kept'), this.conversation?.info, this.#newSettings);
    $('#chat-temporary').hidden = this.conversation !== null;
    $('#chat-temporary').setAttribute('aria-pressed', String(Boolean(this.#newSettings.temporary)));
    $('#transcript').toggleAttribute('data-trashed', Boolean(this.conversation?.info.trashed_at));
    $('#model-name').textContent = (this.conversation?.info ?? this.#newSettings).model || this.#modelName;
    $('#chat-menu').hidden = this.conversation === null;
    $('#chat-settings').hidden = !this.#hasSettings();
    document.title = this.conversation?.info.title ? t('page.title', { title: isolate(this.conversation.info.title) }) : t('page.name');
  }

  /* A server that knows settings shows them in the conversation's object; before there is one, it is the choice of models that tells. */
  #hasSettings() {
    const { info } = this.conversation ?? {};
    return info ? 'params' in info && !info.trashed_at : this.#models.length > 1;
  }

  /* What offers a link to the shown branch; null while there is nothing to share. */
  #sharing() {
    const last = this.conversation.path().at(-1);
    return last && !this.asking.busy ? () => showSharing(this.conversation.id, last.id) : null;
  }

  #openSettings() {
    const { conversation } = this;
    showSettings(conversation?.info ?? this.#newSettings, this.#models, async (settings) => {
      if (conversation === null) {
        this.#newSettings = { ...this.#newSettings, ...settings };
        this.#drawHead();
      } else {
        this.#actions.changed(await api.patch(`api/conversations/${conversation.id}`, settings));
      }
    });
  }

  #redraw() {
    this.#drawHead();
    this.composer.refresh();
    if (this.conversation === null && !this.asking.running && !this.asking.failed) {
      this.transcript.clear(greeting(this.#userName));
    } else {
      this.transcript.redraw();
    }
  }
}
