/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What a program does with OpenAI's own client: node client.mjs LIBRARY BASE-URL KEY WHAT; what came of it is printed as JSON. */

import { pathToFileURL } from 'node:url';

const [library, baseURL, apiKey, what] = process.argv.slice(2);
const { default: OpenAI } = await import(pathToFileURL(library));
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: 'user', content: 'Why?' }];

const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { at: { type: 'string' } } } } }];

/* Every error of the client's is told by its class and what it has read of ours. */
async function told(promise) {
  try {
    return await promise;
  } catch (error) {
    return { thrown: error.constructor.name, status: error.status ?? null, code: error.code ?? null, message: error.message };
  }
}

async function stream(members) {
  const pieces = [];
  let last = null;
  for await (const chunk of await client.chat.completions.create({ model: 'one', messages, stream: true, ...members })) {
    pieces.push(chunk.choices[0]?.delta?.content ?? '');
    last = chunk.choices[0]?.finish_reason ?? last;
  }
  return { text: pieces.join(''), finish_reason: last };
}

const does = {
  models: async () => {
    const listed = [];
    for await (const model of client.models.list()) {
      listed.push(model.id);
    }
    return { listed, one: (await client.models.retrieve('one')).id, none: await told(client.models.retrieve('three')) };
  },

  whole: async () => {
    const answer = await client.chat.completions.create({ model: 'one', messages });
    return { text: answer.choices[0].message.content, usage: answer.usage };
  },

  stream: () => stream({}),

  /* The client's own way of putting a stream together, calls of tools included. */
  tools: async () => {
    const runner = client.chat.completions.stream({ model: 'one', messages, tools });
    const answer = await runner.finalChatCompletion();
    return { calls: answer.choices[0].message.tool_calls, finish_reason: answer.choices[0].finish_reason };
  },

  errors: async () => ({
    model: await told(client.chat.completions.create({ model: 'three', messages })),
    body: await told(client.chat.completions.create({ model: 'one', messages: [] })),
    key: await told(new OpenAI({ baseURL, apiKey: 'csk_wrong', maxRetries: 0 }).models.list()),
  }),

  broken: () => told(stream({})),

  abort: async () => {
    const answer = await client.chat.completions.create({ model: 'one', messages, stream: true });
    for await (const chunk of answer) {
      if (chunk.choices[0]?.delta?.content) {
        answer.controller.abort();
      }
    }
    return { aborted: true };
  },
};

console.log(JSON.stringify(await does[what]()));
