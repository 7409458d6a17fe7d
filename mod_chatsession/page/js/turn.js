/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * One turn as the browser sees it: ask (POST), then read the stream, and take it up again where it was cut (GET with Last-Event-ID) until
 * `done`. The server goes on writing whether or not anyone reads. Positions are code points of the answer, so a repeated or overlapping piece is
 * recognised and shown once. No elements here.
 */

import { ApiError, api } from '../shared/api.js';
import { readEvents } from '../shared/sse.js';
import { isTransient } from '../shared/errors.js';
import { codePointLength, dropCodePoints } from './code-points.js';

const SILENCE_MS = 20000;
const BACKOFF_MS = [300, 1000, 2000, 4000, 8000, 15000];
const ASK_ATTEMPTS = 4;

/**
 * @typedef {Object} TurnHandlers
 * @property {function({messageId: string, answerId: string, model: string}): void} onTurn the turn is committed; also after each resume
 * @property {function(string): void} onText the next piece of the answer
 * @property {function(string): void} onReasoning the next piece of what the model thinks before it answers
 * @property {function({position: number, estimate: number|null}): void} onQueue the turn waits for its place
 * @property {function(boolean): void} onConnection false while the stream is lost, true when it is back
 * @property {function(Object): void} onDone the `done` event's data
 * @property {function(Error): void} onRefused nothing was begun (or nothing is known of it): the request may be sent again with the same client_id
 * @property {function(Error|null): void} onLost the stream cannot be followed any more: read the conversation again
 * @property {function(): Promise<void>} untilSignedIn resolves when somebody has logged in again
 */

/** Follows one turn. */
export class Turn {
  #conversationId;
  #request;
  #handlers;
  #answerId;
  #have;
  #thought;
  #attempt = 0;
  #closed = false;
  #finished = false;
  #leaving = false;
  #connection = null;
  #wake = null;
  #problem = null;

  /**
   * @param {{conversationId: string, request?: {path: string, body: Object}|null, answerId?: string|null, have?: number, thought?: number, handlers: TurnHandlers}} options
   *   without request the running turn is followed, from `have` code points of its text and `thought` of its reasoning on
   */
  constructor({ conversationId, request = null, answerId = null, have = 0, thought = 0, handlers }) {
    this.#conversationId = conversationId;
    this.#request = request;
    this.#answerId = answerId;
    this.#have = have;
    this.#thought = thought;
    this.#handlers = handlers;
  }

  /** Whether the server has said that the turn is committed. */
  get accepted() {
    return this.#answerId !== null;
  }

  /** Runs until the turn is done, refused, lost or left. Never rejects. */
  async run() {
    const wake = () => this.#wake?.();
    window.addEventListener('online', wake);
    try {
      while (!this.#closed && !this.#finished) {
        const cause = await this.#once();
        if (this.#closed || this.#finished || !(await this.#recover(cause))) {
          break;
        }
      }
    } finally {
      window.removeEventListener('online', wake);
    }
  }

  /** Stops following; the server goes on. A request not yet answered is let through first, so that nothing typed is lost. */
  leave() {
    if (this.#request !== null && !this.accepted && !this.#finished) {
      this.#leaving = true;
      return;
    }
    this.abandon();
  }

  /** Stops at once, also before the server has answered. */
  abandon() {
    this.#closed = true;
    this.#connection?.abort();
    this.#wake?.();
  }

  /** One connection, to its end. @returns {Promise<Error|null>} why it ended, null for a cut */
  async #once() {
    const connection = new AbortController();
    this.#connection = connection;
    const watchdog = silenceWatch(() => connection.abort());
    watchdog.heard();
    try {
      const response = await this.#open(connection.signal);
      watchdog.heard();
      await readEvents(response, {
        onEvent: (event) => {
          watchdog.heard();
          this.#onEvent(event);
        },
        onComment: () => watchdog.heard(),
      });
      return null;
    } catch (error) {
      return error instanceof ApiError ? error : null;
    } finally {
      watchdog.stop();
    }
  }

  #open(signal) {
    if (this.#request !== null && !this.accepted) {
      return api.stream(this.#request.path, { body: this.#request.body, signal });
    }
    const path = `api/conversations/${encodeURIComponent(this.#conversationId)}/stream`;
    return api.stream(path, { lastEventId: this.#place(), signal });
  }

  /* Where the stream is taken up: code points of the text, and of the reasoning. */
  #place() {
    return this.#thought > 0 ? `${this.#have}+${this.#thought}` : this.#have > 0 ? this.#have : null;
  }

  /** After a failed or cut connection: wait and say whether to go on. */
  async #recover(cause) {
    if (cause?.status === 401 && this.accepted) {
      await this.#handlers.untilSignedIn();
      return !this.#closed;
    }
    const asking = this.#request !== null && !this.accepted;
    const tries = asking ? ASK_ATTEMPTS : Infinity;
    const worthIt = cause === null || (asking ? cause.status === 0 : isTransient(cause));
    if (!worthIt || this.#attempt + 1 >= tries) {
      this.#finished = true;
      const error = cause ?? new ApiError({ status: 0, code: 'offline' });
      (asking ? this.#handlers.onRefused : this.#handlers.onLost)(error);
      return false;
    }
    this.#handlers.onConnection(false);
    await this.#pause(cause?.retryAfter ? cause.retryAfter * 1000 : BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)]);
    this.#attempt += 1;
    return !this.#closed;
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #onEvent({ event, data, id }) {
    if (this.#closed || this.#finished) {
      return;
    }
    const body = parse(data);
    if (body === null) {
      return;
    }
    if (event === 'turn') {
      this.#onTurn(body);
    } else if (event === 'message') {
      this.#onChunk(body, Number.parseInt(id, 10));
    } else if (event === 'queue') {
      this.#handlers.onQueue(body);
    } else if (event === 'error') {
      this.#problem = body.detail ?? null;
    } else if (event === 'done') {
      this.#finished = true;
      this.#handlers.onConnection(true);
      this.#handlers.onDone({ ...body, detail: body.detail ?? this.#problem });
    }
  }

  #onTurn(body) {
    if (this.accepted && body.answer_id !== this.#answerId) {
      this.#finished = true;
      this.#handlers.onLost(null);
      return;
    }
    this.#answerId = body.answer_id;
    this.#attempt = 0;
    this.#handlers.onConnection(true);
    this.#handlers.onTurn({ messageId: body.message_id, answerId: body.answer_id, model: body.model });
    if (this.#leaving) {
      this.abandon();
    }
  }

  #onChunk(body, end) {
    const delta = body.choices?.[0]?.delta;
    if (typeof delta?.reasoning_content === 'string' && delta.reasoning_content !== '') {
      this.#thought += codePointLength(delta.reasoning_content);
      this.#handlers.onReasoning(delta.reasoning_content);
    }
    const text = delta?.content;
    if (typeof text !== 'string' || text === '') {
      return;
    }
    const length = codePointLength(text);
    const start = Number.isInteger(end) && end > 0 ? end - length : this.#have;
    if (start > this.#have) {
      this.#connection.abort();
      return;
    }
    const fresh = dropCodePoints(text, this.#have - start);
    this.#have += codePointLength(fresh);
    if (fresh !== '') {
      this.#handlers.onText(fresh);
    }
  }
}

/* The server comments each second of silence, so a long silence means a dead connection that no one has told us of. */
function silenceWatch(onSilence) {
  let timer = null;
  const stop = () => clearTimeout(timer);
  const heard = () => {
    stop();
    timer = setTimeout(onSilence, SILENCE_MS);
  };
  return { heard, stop };
}

function parse(data) {
  try {
    const body = JSON.parse(data);
    return body !== null && typeof body === 'object' ? body : null;
  } catch {
    return null;
  }
}
