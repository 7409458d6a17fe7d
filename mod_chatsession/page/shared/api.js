/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The HTTP API's client: JSON in and out, one error type, relative to the page (`api/session` under whatever mount serves the page).
 * A 401 is reported once, here, to whoever registered with api.onUnauthenticated, and still rejects the call.
 */

const JSON_TIMEOUT_MS = 30000;
const unauthenticatedListeners = new Set();
const secondFactorListeners = new Set();

/** Why a call failed: HTTP status (0: no answer), the API's error code and sentence, and what is needed to try again. */
export class ApiError extends Error {
  /**
   * @param {{status: number, code: string, detail?: string, requestId?: string|null, retryAfter?: number|null, body?: *}} fields
   */
  constructor({ status, code, detail = '', requestId = null, retryAfter = null, body = null }) {
    super(detail || code);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
    this.body = body;
  }
}

/**
 * The address of an API path below the page, with its query.
 * @param {string} path such as `api/conversations`
 * @param {Object<string, *>} [params] null, undefined and '' are left out
 * @returns {string}
 */
export function apiUrl(path, params) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value !== null && value !== undefined && value !== '') {
      url.searchParams.set(name, String(value));
    }
  }
  return url.href;
}

/** The calls. `options` may hold {signal, headers, timeout}; a timeout of 0 means none. */
export const api = {
  /** @param {string} path @param {Object} [params] @param {Object} [options] @returns {Promise<*>} the parsed body, null when empty */
  get: (path, params, options) => requestJson('GET', apiUrl(path, params), undefined, options),
  /** @param {string} path @param {*} [body] @param {Object} [options] @returns {Promise<*>} */
  post: (path, body, options) => requestJson('POST', apiUrl(path), body, options),
  /** @param {string} path @param {*} body @param {Object} [options] @returns {Promise<*>} */
  put: (path, body, options) => requestJson('PUT', apiUrl(path), body, options),
  /** @param {string} path @param {*} body @param {Object} [options] @returns {Promise<*>} */
  patch: (path, body, options) => requestJson('PATCH', apiUrl(path), body, options),
  /** @param {string} path @param {Object} [options] @returns {Promise<*>} */
  del: (path, options) => requestJson('DELETE', apiUrl(path), undefined, options),
  /**
   * Opens a stream (GET without a body, POST with one) and returns its Response for readEvents.
   * @param {string} path @param {{body?: *, lastEventId?: string|number, signal?: AbortSignal}} [options]
   * @returns {Promise<Response>}
   */
  stream: (path, { body, lastEventId, signal } = {}) => openStream(path, body, lastEventId, signal),
  /**
   * Fetches a file, so that a failure is an error here and not a downloaded error page.
   * @param {string} path @param {Object} [params] @returns {Promise<{blob: Blob, filename: string}>}
   */
  async download(path, params) {
    const response = await send('GET', apiUrl(path, params), undefined, { headers: {} });
    return { blob: await response.blob(), filename: filenameOf(response.headers.get('Content-Disposition')) };
  },
  /**
   * Calls fn(error) for every 401 `unauthenticated`, that is when the session has ended; not for a failed log-in.
   * @param {function(ApiError): void} fn @returns {function(): void} takes the listener away again
   */
  onUnauthenticated(fn) {
    unauthenticatedListeners.add(fn);
    return () => unauthenticatedListeners.delete(fn);
  },
  /**
   * Calls fn(error) for every 403 `second_factor_needed`: the user must set one up before anything else is answered.
   * @param {function(ApiError): void} fn @returns {function(): void} takes the listener away again
   */
  onSecondFactorNeeded(fn) {
    secondFactorListeners.add(fn);
    return () => secondFactorListeners.delete(fn);
  },
};

function openStream(path, body, lastEventId, signal) {
  const headers = { Accept: 'text/event-stream' };
  if (lastEventId !== undefined && lastEventId !== null && lastEventId !== '') {
    headers['Last-Event-ID'] = String(lastEventId);
  }
  return send(body === undefined ? 'GET' : 'POST', apiUrl(path), body, { headers, signal });
}

async function requestJson(method, url, body, { signal, headers, timeout = JSON_TIMEOUT_MS } = {}) {
  const limit = new AbortController();
  const timer = timeout > 0 ? setTimeout(() => limit.abort(), timeout) : null;
  const abort = () => limit.abort();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) {
    limit.abort();
  }
  try {
    const response = await send(method, url, body, { headers: { Accept: 'application/json', ...headers }, signal: limit.signal });
    return await readBody(response);
  } catch (error) {
    throw error.name === 'AbortError' && !signal?.aborted ? new ApiError({ status: 0, code: 'timeout' }) : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function send(method, url, body, { headers, signal }) {
  const init = { method, headers: { ...headers }, credentials: 'same-origin', cache: 'no-store', redirect: 'error', signal };
  if (body !== undefined) {
    init.headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    throw networkError(error);
  }
  if (!response.ok) {
    const error = await errorFrom(response);
    if (error.status === 401 && error.code === 'unauthenticated') {
      unauthenticatedListeners.forEach((fn) => fn(error));
    }
    if (error.status === 403 && error.code === 'second_factor_needed') {
      secondFactorListeners.forEach((fn) => fn(error));
    }
    throw error;
  }
  return response;
}

/** An abort stays an abort; everything else fetch throws means that no answer came. */
function networkError(error) {
  return error.name === 'AbortError' ? error : new ApiError({ status: 0, code: 'offline', detail: error.message });
}

async function readBody(response) {
  let text;
  try {
    text = await response.text();
  } catch (error) {
    throw networkError(error);
  }
  if (text === '') {
    return null;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError({ status: response.status, code: 'invalid_response', detail: 'The server sent a body that is not JSON.' });
  }
}

async function errorFrom(response) {
  let body = null;
  try {
    body = JSON.parse(await response.text());
  } catch {
    /* A proxy's own error page is not JSON: the status alone must do. */
  }
  const fields = body !== null && typeof body === 'object' ? body : {};
  return new ApiError({
    status: response.status,
    code: typeof fields.error === 'string' ? fields.error : defaultCode(response.status),
    detail: typeof fields.detail === 'string' ? fields.detail : '',
    requestId: typeof fields.request_id === 'string' ? fields.request_id : null,
    retryAfter: retryAfterSeconds(response.headers.get('Retry-After')),
    body,
  });
}

/** The name in Content-Disposition, the encoded form before the plain one; '' when there is none. */
function filenameOf(header) {
  const encoded = /filename\*\s*=\s*UTF-8''([^;]+)/i.exec(header ?? '');
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header ?? '');
  try {
    return encoded ? decodeURIComponent(encoded[1].trim()) : (plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2] ?? '');
  } catch {
    return '';
  }
}

function defaultCode(status) {
  return { 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found', 429: 'too_many_requests' }[status] ?? `http_${status}`;
}

/** Retry-After is a number of seconds or a date; both come back as whole seconds from now. */
function retryAfterSeconds(header) {
  if (header === null) {
    return null;
  }
  if (/^\d+$/.test(header.trim())) {
    return Number(header);
  }
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
