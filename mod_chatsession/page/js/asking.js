/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Sending, answering again, stopping and following: one turn at a time for the conversation on the page. A send keeps its client_id through all
 * its attempts, so the server makes one turn of it however often it is sent.
 */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, formatWait, t } from '../shared/i18n.js';
import { announce, confirmDialog, toast } from '../shared/notify.js';
import { newClientId } from './client-id.js';
import { codePointLength } from './code-points.js';
import { Conversation } from './conversation.js';
import { writeDraft } from './drafts.js';
import { failureCard } from './message-view.js';
import { untilSignedIn } from './relogin.js';
import { Turn } from './turn.js';

/** The turn of the conversation that is shown. */
export class Asking {
  #chat;
  #ask = null;

  /** @param {import('./chat.js').Chat} chat */
  constructor(chat) {
    this.#chat = chat;
  }

  /** Whether an answer is being waited for or written. @returns {boolean} */
  get running() {
    return this.#ask !== null && !this.#ask.failed;
  }

  /** Whether a turn is on the page that is not over: running, or not accepted yet. @returns {boolean} */
  get busy() {
    return this.#ask !== null;
  }

  /** Sends a message that continues what is shown. @param {string} text */
  send(text) {
    const { conversation } = this.#chat;
    const last = conversation?.path().at(-1) ?? null;
    const branch = last !== null && !conversation.showsNewest();
    this.#send({ text, conversation, parentId: last?.id ?? null, branch });
  }

  /** Sends another version of a message. @param {Object} message @param {string} text */
  edit(message, text) {
    const { conversation, transcript } = this.#chat;
    const path = conversation.path();
    transcript.show(path.slice(0, path.findIndex((entry) => entry.id === message.id)), (id) => conversation.siblings(id));
    this.#send({ text, conversation, parentId: message.parent_id, branch: true, original: message });
  }

  /** Makes an answer again, as a sibling of the present one. @param {Object} message the answer */
  async regenerate(message) {
    const { conversation, transcript } = this.#chat;
    if (this.busy || !conversation || message.pending) {
      return;
    }
    const path = conversation.path();
    const index = path.findIndex((entry) => entry.id === message.id);
    const question = { title: t('message.branch_title'), body: t('message.branch_body'), confirmLabel: t('message.regenerate') };
    if (index < path.length - 1 && !(await confirmDialog(question))) {
      return;
    }
    const clientId = newClientId();
    const ask = { kind: 'regenerate', message, clientId, conversation, parentId: message.parent_id, answerId: `answer-${clientId}` };
    transcript.show(path.slice(0, index), (id) => conversation.siblings(id));
    transcript.add({ id: ask.answerId, role: 'assistant', content: '', status: 'streaming', pending: true });
    transcript.toEnd();
    this.#start(ask);
  }

  /** Follows an answer that is being written already. @param {Object} message */
  follow(message) {
    const ask = { kind: 'follow', conversation: this.#chat.conversation, answerId: message.id, accepted: true };
    this.#ask = ask;
    this.#chat.composer.setRunning(true);
    const view = this.#view(ask);
    this.#run(ask, {
      answerId: message.id,
      have: codePointLength(view?.text ?? message.content ?? ''),
      thought: codePointLength(view?.reasoning ?? message.extra?.reasoning ?? ''),
    });
  }

  /** Asks the server to stop the answer; what has arrived stays. */
  async stop() {
    const ask = this.#ask;
    if (ask === null) {
      return;
    }
    ask.stopping = true;
    if (!ask.accepted) {
      if (ask.unreachable) {
        ask.turn.abandon();
        this.#refused(ask, { status: 0, code: 'offline' });
      }
      return;
    }
    try {
      await api.post(`api/conversations/${ask.conversation.id}/stop`);
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
      this.#ifShown(ask, () => this.#chat.composer.setRunning(true));
    }
  }

  /** The reader goes elsewhere: stop following, the server goes on. */
  leave() {
    if (this.#ask !== null) {
      this.#ask.left = true;
      this.#ask.turn?.leave();
      this.#ask = null;
      this.#chat.composer.setRunning(false);
    }
  }

  #send(about) {
    const clientId = newClientId();
    const ask = { kind: 'send', clientId, userId: `user-${clientId}`, answerId: `answer-${clientId}`, ...about };
    this.#showPending(ask);
    this.#start(ask);
  }

  #showPending(ask) {
    const { transcript } = this.#chat;
    transcript.add({ id: ask.userId, role: 'user', content: ask.text, status: 'complete', pending: true });
    transcript.add({ id: ask.answerId, role: 'assistant', content: '', status: 'streaming', pending: true });
    transcript.toEnd();
  }

  async #start(ask) {
    ask.failed = false;
    ask.accepted = false;
    ask.stopping = false;
    this.#ask = ask;
    this.#chat.composer.setRunning(true);
    this.#chat.updateNote();
    this.#view(ask)?.wait('sending');
    if (ask.conversation === null && !(await this.#createConversation(ask))) {
      return;
    }
    const path = `api/conversations/${ask.conversation.id}/${ask.kind === 'send' ? 'messages' : 'regenerate'}`;
    const body = ask.kind === 'send'
      ? { content: ask.text, parent_id: ask.parentId, client_id: ask.clientId, ...(ask.branch ? { branch: true } : {}) }
      : { message_id: ask.message.id, client_id: ask.clientId };
    this.#run(ask, { request: { path, body } });
  }

  async #createConversation(ask) {
    try {
      ask.conversation = new Conversation(await api.post('api/conversations', { client_id: ask.clientId, ...this.#chat.newSettings }));
    } catch (error) {
      this.#refused(ask, error);
      return false;
    }
    this.#ifShown(ask, () => this.#chat.adopt(ask.conversation));
    return true;
  }

  #run(ask, how) {
    ask.turn = new Turn({
      conversationId: ask.conversation.id,
      ...how,
      handlers: {
        onTurn: (turn) => this.#accepted(ask, turn),
        onText: (piece) => this.#ifShown(ask, () => this.#view(ask)?.grow(piece)),
        onReasoning: (piece) => this.#ifShown(ask, () => this.#view(ask)?.reason(piece)),
        onQueue: ({ position, estimate }) => this.#ifShown(ask, () => this.#queued(ask, position, estimate)),
        onConnection: (connected) => this.#connection(ask, connected),
        onDone: (done) => this.#done(ask, done),
        onRefused: (error) => this.#refused(ask, error),
        onLost: (error) => this.#lost(ask, error),
        untilSignedIn,
      },
    });
    ask.turn.run();
  }

  #accepted(ask, { messageId, answerId, model }) {
    if (ask.accepted) {
      return;
    }
    ask.accepted = true;
    const { conversation } = ask;
    const now = new Date().toISOString();
    const seq = conversation.newest()?.seq ?? 0;
    const user = { id: messageId, parent_id: ask.parentId, seq: seq + 1, role: 'user', content: ask.text, status: 'complete', created_at: now };
    const answer = { id: answerId, parent_id: messageId, seq: seq + 2, role: 'assistant', content: '', status: 'streaming', created_at: now, model, feedback: null };
    conversation.merge(ask.kind === 'send' ? [user, answer] : [{ ...answer, parent_id: ask.parentId }]);
    if (!ask.original) {
      writeDraft(conversation.id, ask.left ? '' : this.#chat.composer.text);
    }
    const pending = { user: ask.userId, answer: ask.answerId };
    ask.answerId = answerId;
    this.#chat.changed(conversation);
    this.#ifShown(ask, () => {
      if (ask.kind === 'send') {
        this.#chat.transcript.rename(pending.user, conversation.message(messageId));
      }
      conversation.chooseNewest();
      this.#chat.transcript.rename(pending.answer, conversation.message(answerId));
      this.#chat.show();
      this.#view(ask)?.wait('thinking');
      announce(t('live.writing'));
    });
    if (ask.stopping && !ask.left) {
      this.stop();
    }
  }

  #queued(ask, position, estimate) {
    const known = Number.isFinite(estimate);
    this.#view(ask)?.wait(known ? 'queued_estimate' : 'queued', { position: formatNumber(position), seconds: formatNumber(known ? estimate : 0) });
  }

  #connection(ask, connected) {
    ask.unreachable = !connected;
    this.#ifShown(ask, () => {
      const view = this.#view(ask);
      const quiet = view?.text === '' ? (ask.accepted ? 'thinking' : 'sending') : '';
      view?.wait(connected ? quiet : 'reconnecting');
    });
  }

  #done(ask, done) {
    const { conversation } = ask;
    const finished = { status: done.status, finish_reason: done.finish_reason, usage: done.usage, detail: done.detail, finished_at: new Date().toISOString() };
    this.#ifShown(ask, () => {
      this.#ask = null;
      conversation.merge([{ id: ask.answerId, ...finished, content: this.#view(ask)?.text ?? '' }]);
      this.#chat.show();
      this.#chat.composer.setRunning(false);
      announce(t({ complete: 'live.done', stopped: 'live.stopped' }[done.status] ?? 'live.failed'));
    });
    this.#chat.changed(conversation);
  }

  /* Nothing was begun. The message stays on the page with its reason, and its text in the draft. */
  #refused(ask, error) {
    if (ask.left) {
      toast({ text: `${t('send.failed')}: ${describeError(error)}`, kind: 'error' });
      return;
    }
    ask.failed = true;
    this.#chat.composer.setRunning(false);
    if (ask.kind === 'regenerate') {
      this.#ask = null;
      this.#chat.show();
      toast({ text: `${t('regenerate.failed')}: ${describeError(error)}`, kind: 'error' });
    } else {
      this.#showRefusal(ask, error);
      this.#chat.updateNote();
    }
    if (error.code === 'turn_running' && ask.kind === 'regenerate') {
      this.#chat.reload();
    }
  }

  #showRefusal(ask, error) {
    if (error.code === 'stale_parent') {
      this.#showNewer(ask, error);
    }
    const words = { stale_parent: 'send.stale', turn_running: 'send.running' }[error.code];
    const first = error.code === 'turn_running' ? button(t('send.show'), () => this.#showElsewhere()) : this.#againButton(error);
    const card = failureCard(t('send.failed'), words ? t(words) : describeError(error), [first, button(t('send.edit'), () => this.giveBack())]);
    this.#view(ask)?.showCard(card);
    this.#chat.transcript.toEnd();
  }

  /* What came in between, above the message that now continues it. */
  #showNewer(ask, error) {
    const { conversation } = ask;
    const { transcript } = this.#chat;
    conversation.merge(error.body?.newer ?? []);
    conversation.chooseNewest();
    transcript.remove([ask.userId, ask.answerId]);
    transcript.show(conversation.path(), (id) => conversation.siblings(id));
    ask.parentId = conversation.newest()?.id ?? null;
    this.#showPending(ask);
  }

  /* Where the server says how long to wait, the button counts down. */
  #againButton(error) {
    const again = button(t('send.again'), () => this.#again());
    if (error.status === 429 && error.retryAfter) {
      countDown(again, error.retryAfter);
    }
    return again;
  }

  /** Whether a message stands on the page that could not be sent. @returns {boolean} */
  get failed() {
    return this.#ask?.failed === true;
  }

  /** Takes the message that was not sent off the page and its text back into the composer. */
  giveBack() {
    const ask = this.#ask;
    this.#ask = null;
    this.#chat.transcript.remove([ask.userId, ask.answerId]);
    this.#chat.show();
    if (ask.original) {
      this.#chat.edit(ask.original, ask.text);
    } else {
      this.#chat.composer.giveBack(ask.text);
    }
  }

  #again() {
    this.#start(this.#ask);
  }

  async #showElsewhere() {
    const { conversation } = this.#ask;
    this.giveBack();
    conversation.chooseNewest();
    await this.#chat.reload();
    this.#chat.transcript.toEnd();
  }

  #lost(ask, error) {
    this.#ifShown(ask, async () => {
      this.#ask = null;
      this.#chat.composer.setRunning(false);
      if (!(await this.#chat.reload()) && error !== null) {
        const again = button(t('page.retry'), () => this.#chat.reload());
        this.#view(ask)?.showCard(failureCard(t('message.interrupted'), describeError(error), [again]));
      }
    });
  }

  #view(ask) {
    return this.#chat.transcript.view(ask.answerId);
  }

  #ifShown(ask, fn) {
    if (!ask.left && this.#ask === ask) {
      fn();
    }
  }
}

/* A button that works when the seconds are over, and says how many are left. */
function countDown(node, seconds) {
  const label = node.textContent;
  const end = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    node.disabled = left > 0;
    node.textContent = left > 0 ? t('send.again_in', { label, wait: formatWait(left, 'short') }) : label;
    if (left > 0 && (node.isConnected || left > seconds - 1)) {
      setTimeout(tick, 1000);
    }
  };
  tick();
}

function button(label, onclick) {
  return el('button', { class: 'button button-small', type: 'button', onclick }, label);
}
