/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Takes the files of other services apart: ChatGPT's conversations.json, Open WebUI's export, and our own (lines, or one conversation). Each
 * conversation becomes the body of one import call; what it cannot hold is counted, so that the report can say what was left out. No calls, no elements.
 */

import { labelsOf } from './label-words.js';

const TITLE_LIMIT = 200;
const KEY_LIMIT = 200;
const BODY_LIMIT = 8 * 1024 * 1024;
/* The server reads 10,000 values in a body: eight of the conversation's own and ten labels, and of a message itself and its members. */
const VALUE_LIMIT = 9900;

/**
 * @typedef {Object} Entry
 * @property {string} title
 * @property {Object|null} body of the import call; null: it is left out as a whole
 * @property {string} reason why it is left out: `empty`, `too_large`, `unreadable`; '' when it is not
 * @property {Object<string, number>} skipped parts that are left out, by kind: `files`, `tools`, `reasoning`, `unasked`
 */

/** A file that holds nothing we know. */
export class UnknownFormat extends Error {}

/**
 * What a file holds.
 * @param {string} text
 * @returns {{source: string, entries: Entry[]}}
 */
export function readImport(text) {
  const data = parse(text);
  const list = Array.isArray(data) ? data : [data];
  const first = list.find((item) => item !== null && typeof item === 'object') ?? {};
  if (first.mapping) {
    return { source: 'ChatGPT', entries: list.map((item) => entry(item, chatGpt)) };
  }
  if (first.chat) {
    return { source: 'Open WebUI', entries: list.map((item) => entry(item, openWebUi)) };
  }
  if (first.type === 'conversation' || (typeof first.id === 'string' && Array.isArray(first.messages))) {
    return { source: 'chatsession', entries: ownConversations(list).map((item) => entry(item, own)) };
  }
  if (Array.isArray(data) && data.length === 0) {
    return { source: '', entries: [] };
  }
  throw new UnknownFormat();
}

/* One value, or a value per line. */
function parse(text) {
  const trimmed = text.replace(/^\ufeff/, '').trim();
  try {
    return JSON.parse(trimmed);
  } catch {
    try {
      return trimmed.split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line));
    } catch {
      throw new UnknownFormat();
    }
  }
}

function entry(item, read) {
  try {
    const { tree, skipped, ...about } = read(item);
    const messages = flatten(tree, skipped);
    const title = cut(clean(about.title ?? '').trim(), TITLE_LIMIT);
    const body = withoutEmpty({ ...about, key: cut(about.key, KEY_LIMIT), title, messages });
    const values = messages.reduce((sum, message) => sum + 1 + Object.keys(message).length, 20);
    const reason = messages.length === 0 ? 'empty' : values > VALUE_LIMIT || byteLength(body) > BODY_LIMIT ? 'too_large' : '';
    return { title: title || messages[0]?.content.slice(0, 60) || '', body: reason === '' ? body : null, reason, skipped };
  } catch {
    return { title: String(item?.title ?? ''), body: null, reason: 'unreadable', skipped: {} };
  }
}

/* --- the sources: each gives {key, title, …, tree, skipped}, tree the roots of {role, content, created_at, model, children, shown} --- */

function chatGpt(item) {
  const skipped = {};
  const shown = new Set();
  for (let id = item.current_node; item.mapping[id] && !shown.has(id); id = item.mapping[id].parent) {
    shown.add(id);
  }
  const nodes = Object.values(item.mapping);
  return {
    key: `chatgpt:${item.conversation_id ?? item.id ?? `${item.create_time}:${item.title}`}`,
    title: item.title,
    created_at: time(item.create_time),
    updated_at: time(item.update_time),
    archived: item.is_archived === true,
    pinned: item.is_starred === true,
    tree: treeOf(nodes.map((node) => ({ id: node.id, parent: node.parent, shown: shown.has(node.id), ...chatGptMessage(node.message, skipped) }))),
    skipped,
  };
}

function chatGptMessage(message, skipped) {
  const role = message?.author?.role;
  const type = message?.content?.content_type;
  if (!message || role === 'system' || message.metadata?.is_visually_hidden_from_conversation) {
    return {};
  }
  if (role === 'tool' || (role === 'assistant' && (message.recipient ?? 'all') !== 'all')) {
    return count(skipped, 'tools');
  }
  if (type === 'thoughts' || type === 'reasoning_recap') {
    return count(skipped, 'reasoning');
  }
  const parts = message.content?.parts ?? [message.content?.text];
  const texts = parts.map((part) => (typeof part === 'string' ? part : part?.text)).filter((part) => typeof part === 'string');
  for (let missing = parts.length - texts.length; missing > 0; missing -= 1) {
    count(skipped, 'files');
  }
  return { role, content: texts.join('\n\n'), created_at: time(message.create_time), model: message.metadata?.model_slug };
}

function openWebUi(item) {
  const skipped = {};
  const { chat } = item;
  const history = chat.history?.messages;
  const shown = new Set();
  for (let id = chat.history?.currentId; history?.[id] && !shown.has(id); id = history[id].parentId) {
    shown.add(id);
  }
  const list = history ? Object.values(history) : (chat.messages ?? []).map((message, at, all) => ({ ...message, id: String(at), parentId: at > 0 ? String(at - 1) : null, last: at === all.length - 1 }));
  return {
    key: `openwebui:${item.id ?? chat.id ?? `${chat.timestamp}:${chat.title}`}`,
    title: item.title ?? chat.title,
    created_at: time(item.created_at ?? chat.timestamp),
    updated_at: time(item.updated_at),
    archived: item.archived === true,
    pinned: item.pinned === true,
    labels: labelsOf(item.meta?.tags),
    tree: treeOf(list.map((message) => ({ id: message.id, parent: message.parentId, shown: shown.has(message.id), ...openWebUiMessage(message, skipped) }))),
    skipped,
  };
}

function openWebUiMessage({ role, content, files, timestamp, model }, skipped) {
  if (role !== 'user' && role !== 'assistant') {
    return role === 'tool' ? count(skipped, 'tools') : {};
  }
  (files ?? []).forEach(() => count(skipped, 'files'));
  const parts = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  parts.filter((part) => part?.type !== 'text').forEach(() => count(skipped, 'files'));
  const text = parts.filter((part) => part?.type === 'text').map((part) => part.text ?? '').join('\n\n');
  /* What a model thought stands in the text there, as an element of HTML. */
  const plain = text.replace(/<details type="reasoning"[^>]*>[\s\S]*?<\/details>\s*/g, () => (count(skipped, 'reasoning'), ''));
  return { role, content: plain, created_at: time(timestamp), model };
}

function ownConversations(list) {
  const found = new Map();
  for (const item of list) {
    if (item?.type === 'message') {
      found.get(item.conversation_id)?.messages.push(item);
    } else if (item?.type !== 'end') {
      found.set(item.id, { ...item, messages: item.messages ?? [] });
    }
  }
  return [...found.values()];
}

function own(item) {
  const newest = item.messages.reduce((last, message) => (last && last.seq > message.seq ? last : message), null);
  const byId = new Map(item.messages.map((message) => [message.id, message]));
  const shown = new Set();
  for (let message = newest; message && !shown.has(message.id); message = byId.get(message.parent_id)) {
    shown.add(message.id);
  }
  return {
    key: `chatsession:${item.id}`,
    title: item.title,
    created_at: item.created_at,
    updated_at: item.updated_at,
    pinned: item.pinned === true,
    archived: item.archived === true,
    labels: labelsOf(item.labels),
    tree: treeOf(item.messages.map(({ id, parent_id: parent, role, content, created_at, model }) => ({ id, parent, shown: shown.has(id), role, content, created_at, model }))),
    skipped: {},
  };
}

/* --- from a tree to a list --- */

/** Roots of the nodes; those without text or a role of ours give their place to their children. */
function treeOf(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, { ...node, children: [] }]));
  const roots = [];
  for (const node of byId.values()) {
    const parent = byId.get(node.parent);
    (parent && parent !== node ? parent.children : roots).push(node);
  }
  return promote(roots);
}

/* Deep conversations are deeper than the stack: no recursion. Children come before parents in `order` reversed. */
function promote(roots) {
  const order = [...roots];
  for (let at = 0; at < order.length; at += 1) {
    order.push(...order[at].children);
  }
  for (const node of order.reverse()) {
    node.children = node.children.flatMap(lift);
  }
  return roots.flatMap(lift);
}

function lift(node) {
  return (node.role === 'user' || node.role === 'assistant') && typeof node.content === 'string' && node.content.trim() !== '' ? [node] : node.children;
}

/**
 * The messages in an order that has each after its parent and the shown branch last, so that it is the one that is shown and gone on with. An answer
 * that only continues another one is joined to it.
 */
function flatten(roots, skipped) {
  const messages = [];
  const stack = inOrder(roots).reverse().map((node) => ({ node, parent: 0 }));
  while (stack.length > 0) {
    const { node, parent } = stack.pop();
    if (parent === 0 && node.role !== 'user') {
      count(skipped, 'unasked');
      stack.push(...inOrder(node.children).reverse().map((child) => ({ node: child, parent: 0 })));
      continue;
    }
    const answer = node.role === 'assistant';
    let { children } = node;
    let content = clean(node.content);
    while (answer && children.length === 1 && children[0].role === 'assistant') {
      content += `\n\n${clean(children[0].content)}`;
      children = children[0].children;
    }
    const model = answer && typeof node.model === 'string' ? cut(node.model, TITLE_LIMIT) : null;
    messages.push(withoutEmpty({ role: node.role, content, created_at: node.created_at, model, parent: parent === messages.length ? null : parent }));
    const place = messages.length;
    stack.push(...inOrder(children).reverse().map((child) => ({ node: child, parent: place })));
  }
  return messages;
}

/* By time, the shown branch last; sort is stable, so where times are missing the file's order stays. */
function inOrder(nodes) {
  return [...nodes].sort((a, b) => Number(a.shown) - Number(b.shown) || (a.created_at && b.created_at ? Date.parse(a.created_at) - Date.parse(b.created_at) : 0));
}

/* --- values --- */

function count(skipped, kind) {
  skipped[kind] = (skipped[kind] ?? 0) + 1;
  return {};
}

/* Seconds, milliseconds or an ISO time, as the API wants it; undefined for what is no time. */
function time(value) {
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  const date = new Date(typeof number === 'number' && number < 1e11 ? number * 1000 : number ?? NaN);
  return Number.isNaN(date.getTime()) || date.getTime() < 0 || date.getUTCFullYear() > 9999 ? undefined : date.toISOString();
}

/* What no text may hold: NUL, and halves of a surrogate pair. */
function clean(text) {
  return String(text).replaceAll('\u0000', '').replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

function cut(text, limit) {
  const points = [...String(text)];
  return points.length > limit ? points.slice(0, limit).join('') : String(text);
}

function withoutEmpty(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined && value !== ''));
}

function byteLength(body) {
  return new Blob([JSON.stringify(body)]).size;
}
