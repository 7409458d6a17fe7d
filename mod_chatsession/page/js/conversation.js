/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * One conversation in memory: messages form a tree by parent_id, because an answer made anew is a sibling of the old one. What is shown is one
 * path through the tree: the newest branch, unless the reader chose another sibling somewhere. No elements and no calls here.
 */

const ROOT = '';

/** A conversation and the branch that is shown of it. */
export class Conversation {
  #messages = new Map();
  #children = new Map();
  #chosen = new Map();

  /** @param {Object} data the API's conversation object, with or without `messages` */
  constructor(data) {
    const { messages = [], ...info } = data;
    this.info = info;
    this.merge(messages);
  }

  /** @returns {string} */
  get id() {
    return this.info.id;
  }

  /** Takes over changed fields of the conversation itself (title, pinned, …). @param {Object} data */
  update(data) {
    const { messages, ...info } = data;
    Object.assign(this.info, info);
    if (messages) {
      this.merge(messages);
    }
  }

  /** Adds messages, or replaces those with the same id. @param {Object[]} messages */
  merge(messages) {
    for (const message of messages) {
      this.#messages.set(message.id, { ...this.#messages.get(message.id), ...message });
    }
    this.#index();
  }

  /** @param {string} id @returns {Object|undefined} */
  message(id) {
    return this.#messages.get(id);
  }

  /** All messages, in no particular order. @returns {Object[]} */
  messages() {
    return [...this.#messages.values()];
  }

  /** The message with the highest seq: the one the next message continues. @returns {Object|null} */
  newest() {
    let newest = null;
    for (const message of this.#messages.values()) {
      newest = newest === null || message.seq > newest.seq ? message : newest;
    }
    return newest;
  }

  /** The answer that is being written, if any. @returns {Object|null} */
  streaming() {
    return this.messages().find((message) => message.status === 'streaming') ?? null;
  }

  /** The messages of the shown branch, first to last. @returns {Object[]} */
  path() {
    const reach = this.#reach();
    const path = [];
    for (let ids = this.#children.get(ROOT); ids?.length; ids = this.#children.get(path.at(-1).id)) {
      const chosen = this.#chosen.get(this.#parentKey(this.#messages.get(ids[0])));
      const id = ids.includes(chosen) ? chosen : ids.reduce((a, b) => (reach.get(b) > reach.get(a) ? b : a));
      path.push(this.#messages.get(id));
    }
    return path;
  }

  /** Whether the shown branch is the one that the next message continues. @returns {boolean} */
  showsNewest() {
    return this.path().at(-1)?.id === this.newest()?.id;
  }

  /** The revisions of a message in order, itself among them. @param {string} id @returns {string[]} */
  siblings(id) {
    const message = this.#messages.get(id);
    return message ? this.#children.get(this.#parentKey(message)) ?? [id] : [id];
  }

  /** Shows the branch of this message instead of its siblings'. @param {string} id */
  choose(id) {
    const message = this.#messages.get(id);
    if (message) {
      this.#chosen.set(this.#parentKey(message), id);
    }
  }

  /** Forgets the reader's choices: the newest branch is shown. */
  chooseNewest() {
    this.#chosen.clear();
  }

  /** Shows the branch that holds this message. @param {string} id */
  chooseBranchOf(id) {
    for (let message = this.#messages.get(id); message; message = this.#messages.get(this.#parentKey(message))) {
      this.#chosen.set(this.#parentKey(message), message.id);
    }
  }

  #index() {
    this.#children.clear();
    const bySeq = this.messages().sort((a, b) => a.seq - b.seq);
    for (const message of bySeq) {
      const key = this.#parentKey(message);
      this.#children.set(key, [...(this.#children.get(key) ?? []), message.id]);
    }
  }

  /* A parent always comes before its child; anything else would make the walk endless and counts as no parent. */
  #parentKey(message) {
    const parent = this.#messages.get(message.parent_id);
    return parent && parent.seq < message.seq ? parent.id : ROOT;
  }

  /** For each message the highest seq at or below it. */
  #reach() {
    const reach = new Map();
    for (const message of this.messages().sort((a, b) => b.seq - a.seq)) {
      const own = Math.max(reach.get(message.id) ?? 0, message.seq);
      reach.set(message.id, own);
      const key = this.#parentKey(message);
      reach.set(key, Math.max(reach.get(key) ?? 0, own));
    }
    return reach;
  }
}
