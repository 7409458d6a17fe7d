/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Server-sent events over fetch's body stream. EventSource cannot send a POST body nor our Last-Event-ID, so the grammar of the HTML
 * standard is read here. Bytes may be split anywhere: inside a UTF-8 sequence, between CR and LF, in the middle of a field.
 */

/**
 * A push parser for text/event-stream.
 * @param {{onEvent: function({event: string, data: string, id: string}): void, onComment?: function(string): void}} handlers
 * @returns {{push: function(string): void}} push takes the decoded text as it arrives; an event cut off by the end is never reported
 */
function createEventParser({ onEvent, onComment }) {
  let rest = '';
  let skipLineFeed = false;
  let started = false;
  let type = '';
  let data = [];
  let id = '';

  function dispatch() {
    if (data.length > 0) {
      onEvent({ event: type || 'message', data: data.join('\n'), id });
    }
    type = '';
    data = [];
  }

  function field(name, value) {
    if (name === 'data') {
      data.push(value);
    } else if (name === 'event') {
      type = value;
    } else if (name === 'id' && !value.includes('\0')) {
      id = value;
    }
  }

  function line(text) {
    if (text === '') {
      dispatch();
      return;
    }
    const colon = text.indexOf(':');
    if (colon === 0) {
      onComment?.(text.slice(text[1] === ' ' ? 2 : 1));
    } else if (colon < 0) {
      field(text, '');
    } else {
      field(text.slice(0, colon), text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1));
    }
  }

  function push(chunk) {
    let text = chunk;
    if (text === '') {
      return;
    }
    if (!started) {
      started = true;
      text = text[0] === '\uFEFF' ? text.slice(1) : text;
    }
    if (skipLineFeed && text !== '') {
      skipLineFeed = false;
      text = text[0] === '\n' ? text.slice(1) : text;
    }
    let from = 0;
    const ends = /\r\n|\r|\n/g;
    for (let found = ends.exec(text); found !== null; found = ends.exec(text)) {
      line(rest + text.slice(from, found.index));
      rest = '';
      from = ends.lastIndex;
    }
    skipLineFeed = text.endsWith('\r');
    rest += text.slice(from);
  }

  return { push };
}

/**
 * Reads a text/event-stream response to its end.
 * @param {Response} response
 * @param {{onEvent: function({event: string, data: string, id: string}): void, onComment?: function(string): void}} handlers
 * @returns {Promise<void>} resolves at the end of the body; rejects with fetch's error when the body was cut or aborted
 */
export async function readEvents(response, handlers) {
  const parser = createEventParser(handlers);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        break;
      }
      parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
